"""Where a page is put: whole, or not at all."""

from pathlib import Path

from vgrad.errors import Problem, RequestError, RunError
from vgrad.store.documents import replace

ENDINGS = (".html", ".htm")


def page_path(given: str, usual: Path) -> Path:
    """The file that the user names, or the usual one where none is named.

    Raises:
        RequestError: its name is not that of a page, so that no config is written over by a slip.
    """
    if not given:
        return usual
    path = Path(given)
    if path.suffix.lower() not in ENDINGS:
        allowed = f"a file that ends in {ENDINGS[0]}"
        raise RequestError(Problem(f"--html {given}: is not the name of a page", "", allowed))
    return path


def save_page(page: str, path: Path) -> None:
    """Write the page, over the one that may stand there.

    Raises:
        RunError: it cannot be written; what stood there before still does.
    """
    content = page.encode("utf-8", errors="replace")  # a path that is not UTF-8
    try:
        replace(path, lambda file: file.write(content))
    except OSError as error:
        raise RunError(f"{path}: cannot be written: {error.strerror or error}") from None
