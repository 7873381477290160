/** Words about silence. */
export const enSilence = {
  "silence.after": "Silent after",
  "silence.after.usual": "By its type or rhythm",
  "silence.after.rhythm": "By its interval or rhythm",
  "silence.then": "When it is silent",
  "silence.then.usual": "As its type says, else an alert",
  "silence.then.always": "As usual: an alert",
  "silence.then.alert": "An alert",
  "silence.then.nothing": "No alert",
  "silence.minutes": { one: "{n} minute", other: "{n} minutes" },
  "silence.hours": { one: "{n} hour", other: "{n} hours" },
  "silence.days": { one: "{n} day", other: "{n} days" },
  "silence.seconds": { one: "{n} second", other: "{n} seconds" },
} as const;
