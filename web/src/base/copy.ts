/** Copying to the clipboard, also on plain http in a home network, where `navigator.clipboard` is missing. */

const fallback = (text: string): boolean => {
  const area = document.createElement("textarea");
  area.value = text;
  area.style.position = "fixed";
  area.style.opacity = "0";
  (document.querySelector("[role=dialog]") ?? document.body).append(area); // a dialog keeps the focus to itself
  area.select();
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- the only way without https
  const copied = document.execCommand("copy");
  area.remove();
  return copied;
};

/** Copy a text; false when the browser will not. */
export async function copy(text: string): Promise<boolean> {
  try {
    if (!window.isSecureContext) return fallback(text);
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return fallback(text);
  }
}
