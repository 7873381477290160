"""Numbers in sentences: as people write them, and one of a thing, or several."""

_EXACT = 1e15  # beyond, a float may lie next to the number that was meant


def counted(count: int, one: str, several: str | None = None) -> str:
    """Return "1 part" or "2,000 parts"; `several` is for words that do more than take an s."""
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"


def plain(number: float) -> str:
    """Return a number as people write it: all of its digits, and no .0 behind a whole one."""
    return f"{number:.0f}" if abs(number) < _EXACT and float(number).is_integer() else repr(number)


def span(low: float | None, high: float | None) -> str:
    """Return where numbers may lie, such as "from 1 to 5" or "up to 5"; empty where nothing bounds them."""
    if low is None:
        return "" if high is None else f"up to {plain(high)}"
    return f"from {plain(low)}" if high is None else f"from {plain(low)} to {plain(high)}"
