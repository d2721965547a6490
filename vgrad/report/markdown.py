"""Tables as GitHub renders them."""

from collections.abc import Sequence

from vgrad.report.grid import Column


def markdown_table(columns: Sequence[Column]) -> str:
    """All columns, a line per row."""
    titles = [inline(column.title.replace("\n", " ").strip()) for column in columns]
    rules = [":--" if column.justify == "left" else "--:" for column in columns]
    rows = zip(*(map(inline, column.cells) for column in columns), strict=True)
    return "\n".join(f"| {' | '.join(row)} |" for row in (titles, rules, *rows))


def inline(text: str) -> str:
    """`text` that neither ends a cell nor starts markup."""
    flat = " ".join(text.split())
    return "".join(f"\\{char}" if char in "\\|*_`<>[]" else char for char in flat)
