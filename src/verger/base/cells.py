"""Texts as cells of a CSV file, which a spreadsheet never takes for a formula."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def cell(text: str) -> str:
    """Return a text as a cell: quoted where it must be, and never a formula to a spreadsheet."""
    text = f"'{text}" if text.startswith(_FORMULA) else text
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\r\n') else text


def plain(text: str) -> str:
    """Return the text that `cell` kept from being a formula; a cell's quotes are gone already."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text
