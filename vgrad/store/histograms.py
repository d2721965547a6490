"""`histograms.npz`: the histograms of a run's gradients and activations.

A file of arrays cannot be appended to. While a run goes on, its rows stand in a journal beside,
`histograms.part`: `HISTOGRAM_DTYPE` records, one behind the other. When it ends, the journal
becomes the file; it stays where the run may still be resumed.
"""

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vgrad.errors import RunError
from vgrad.records import HISTOGRAM_DTYPE, HISTOGRAM_SITES, Distribution, Histograms
from vgrad.store import layout

PARTS = ("counts", "range", "non_finite")


def read_histograms(folder: Path, last_step: int) -> Histograms | None:
    """Those of the run in `folder` up to `last_step`; None where none were logged.

    Raises:
        RunError: they cannot be read.
    """
    if (folder / layout.JOURNAL).exists():
        rows = read_journal(folder / layout.JOURNAL)
        return _from_arrays(arrays_of(rows[rows["step"] <= last_step]))
    path = folder / layout.HISTOGRAMS
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return _from_arrays(dict(arrays))
    except FileNotFoundError:
        return None
    except Exception as error:  # zipfile and numpy raise many kinds for what is damaged
        raise RunError(f"{path}: cannot be read: {error}") from None


def read_journal(path: Path) -> NDArray[np.void]:
    """The whole records of a journal: a torn last one is left out.

    Raises:
        RunError: it cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}") from None
    return np.frombuffer(content, HISTOGRAM_DTYPE, len(content) // HISTOGRAM_DTYPE.itemsize)


def journal_until(path: Path, last_step: int) -> int:
    """The bytes that the records of the steps up to `last_step` take.

    Raises:
        RunError: it cannot be read.
    """
    kept = np.searchsorted(read_journal(path)["step"], last_step, side="right")
    return int(kept) * HISTOGRAM_DTYPE.itemsize


def arrays_of(rows: NDArray[np.void]) -> dict[str, NDArray[Any]]:
    """The arrays of `histograms.npz`, out of the rows of whole steps; the rows of a torn last
    step are left out."""
    steps, counts = np.unique(rows["step"], return_counts=True)
    layers = int(counts[0]) if counts.size else 0
    whole = int(np.sum(counts == layers))
    table = rows[: whole * layers].reshape(whole, layers)
    arrays: dict[str, NDArray[Any]] = {
        "steps": steps[:whole],
        "layers": np.arange(1, layers + 1),
        "names": rows["name"][:layers].copy(),
    }
    for site in HISTOGRAM_SITES:
        arrays |= {f"{site}_{part}": table[f"{site}_{part}"].copy() for part in PARTS}
    return arrays


def npz_bytes(rows: NDArray[np.void]) -> bytes:
    """`histograms.npz` as the content of a file."""
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, **arrays_of(rows))
    return file.getvalue()


def _from_arrays(arrays: dict[str, NDArray[Any]]) -> Histograms:
    sites = [
        Distribution(*(arrays[f"{site}_{part}"] for part in PARTS)) for site in HISTOGRAM_SITES
    ]
    names = tuple(map(str, arrays["names"].tolist()))
    return Histograms(arrays["steps"], arrays["layers"], names, *sites)
