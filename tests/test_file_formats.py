"""The page on file formats."""

from tests.file_formats import PATH, page


def test_the_page_on_files_names_every_column_that_is_written() -> None:
    assert PATH.read_text(encoding="utf-8") == page(), "run `python -m tests.file_formats`"
