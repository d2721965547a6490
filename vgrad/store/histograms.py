"""`histograms.npz`: the histograms of a run's gradients and activations."""

from pathlib import Path

import numpy as np

from vgrad.errors import RunError
from vgrad.records import Distribution, Histograms


def read_histograms(path: Path) -> Histograms | None:
    """What the file holds; None where there is none.

    Raises:
        RunError: it is damaged.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            sites = [
                Distribution(
                    *(arrays[f"{site}_{part}"] for part in ("counts", "edges", "non_finite"))
                )
                for site in ("gradient", "activation")
            ]
            names = tuple(map(str, arrays["names"]))
            return Histograms(arrays["steps"], arrays["layers"], names, *sites)
    except FileNotFoundError:
        return None
    except Exception as error:  # zipfile and numpy raise many kinds for what is damaged
        raise RunError(f"{path}: cannot be read: {error}") from None
