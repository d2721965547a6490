"""JSON documents for programs."""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vgrad.store.documents import to_json


def json_text(document: object) -> str:
    """`document` as JSON that every parser takes, ended by a newline.

    JSON knows neither nan nor infinity: nan, which says that a number does not apply or is none,
    becomes null, the infinities the strings "inf" and "-inf".
    """
    return json.dumps(to_json(document), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def objects(rows: NDArray[np.void]) -> list[dict[str, Any]]:
    """The rows of a structured array as JSON has them."""
    names = rows.dtype.names or ()
    return [dict(zip(names, row, strict=True)) for row in rows.tolist()]
