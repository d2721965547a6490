"""Tables as the data frames of pandas and polars, where those are installed."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vgrad.errors import Problem, RequestError, nearest

Columns = Mapping[str, Any]


def columns_of(rows: NDArray[np.void]) -> dict[str, Any]:
    """The columns of a structured array; text as Python's own strings."""
    return {
        name: rows[name].tolist()
        if rows[name].dtype.kind == "U"
        else np.ascontiguousarray(rows[name])
        for name in rows.dtype.names or ()
    }


def to_pandas(columns: Columns) -> Any:
    """A `pandas.DataFrame`.

    Raises:
        RequestError: pandas is not installed.
    """
    _require("pandas")
    import pandas

    return pandas.DataFrame(columns)


def to_polars(columns: Columns) -> Any:
    """A `polars.DataFrame`.

    Raises:
        RequestError: polars is not installed.
    """
    _require("polars")
    import polars

    return polars.DataFrame(columns)


def chosen(table: str, tables: tuple[str, ...]) -> str:
    """The name of a table.

    Raises:
        RequestError: there is no such table.
    """
    if table not in tables:
        allowed = f"one of {', '.join(tables)}"
        raise RequestError(
            Problem(f"no table is called {table!r}", "", allowed, nearest(table, tables))
        )
    return table


def _require(library: str) -> None:
    if find_spec(library) is None:
        allowed = f"pip install 'vgrad[{library}]'"
        raise RequestError(
            Problem(f"to_{library} needs {library}, not installed here", "", allowed)
        )
