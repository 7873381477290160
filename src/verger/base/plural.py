"""Numbers in sentences: one of a thing, or several."""


def counted(count: int, one: str, several: str | None = None) -> str:
    """Return "1 part" or "2,000 parts"; `several` is for words that do more than take an s."""
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"
