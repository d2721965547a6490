"""The values of a swept key, in their natural order, and which of them each run has."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vgrad.report.numbers import number

BINS = 8  # ranges that a key drawn from a distribution is shown in
LONGEST_NUMBER = 8  # characters; nobody writes more, a random number has them
PART = re.compile(r"\{name: ([\w.]+), (.*)\}")


@dataclass(frozen=True, eq=False)
class Levels:
    """A swept key: its values (of a range, the two ends), a label for each, and of each run the
    place of its own, `codes`."""

    key: str
    values: tuple[object, ...]
    labels: tuple[str, ...]
    codes: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def justify(self) -> Literal["left", "right"]:
        """How its labels stand in a column: numbers to the right."""
        return "left" if any(isinstance(value, str) for value in self.values) else "right"


def levels_of(key: str, texts: Sequence[str], *, drawn: bool = False) -> Levels:
    """The levels of a key whose value in each run is one of `texts`.

    Numbers are in order of size, anything else in order of appearance. Where the values were
    `drawn` and hardly any comes twice, they are put into ranges of equally many.
    """
    values = {text: value_of(text) for text in texts}
    numeric = {text: float(v) for text, v in values.items() if isinstance(v, int | float)}
    if len(numeric) < len(values):
        order = list(values)
    else:
        order = sorted(values, key=numeric.__getitem__)
        if drawn and len(order) > BINS and 2 * len(order) > len(texts):
            return _ranges(key, texts, order, numeric)
    place = {text: i for i, text in enumerate(order)}
    codes = np.fromiter((place[text] for text in texts), np.intp, len(texts))
    return Levels(key, tuple(values[t] for t in order), tuple(map(spelt, order)), codes)


def _ranges(
    key: str, texts: Sequence[str], order: Sequence[str], values: dict[str, float]
) -> Levels:
    """Neighbouring values together, as many as can be in each of `BINS` ranges."""
    parts = np.array_split(np.arange(len(order)), BINS)
    place = {order[i]: code for code, part in enumerate(parts) for i in part}
    ends = [(order[part[0]], order[part[-1]]) for part in parts]
    labels = tuple("…".join(map(spelt, pair)) for pair in ends)
    codes = np.fromiter((place[text] for text in texts), np.intp, len(texts))
    return Levels(key, tuple([values[text] for text in pair] for pair in ends), labels, codes)


def value_of(text: str) -> object:
    """The finite number that a cell of `results.csv` holds, or the text that it is."""
    if not text[:1].isalpha() and text.isascii() and "_" not in text:
        for kind in (int, float):
            try:
                value = kind(text)
            except ValueError:
                continue
            return value if math.isfinite(value) else text
    return text


def spelt(text: str) -> str:
    """A value on one line: a part as elsewhere, `{name: gaussian, std: 0.01}` as
    `gaussian(std=0.01)`; of a number that was drawn, the digits that matter."""
    if len(text) > LONGEST_NUMBER and isinstance(value := value_of(text), float):
        return number(value)
    if match := PART.fullmatch(text):
        text = f"{match[1]}({match[2].replace(': ', '=')})"
    return "".join(char if char.isprintable() else " " for char in text)


def short_names(keys: Sequence[str]) -> dict[str, str]:
    """Each dotted key by as little of its end as tells it from the others: `depth`."""
    return {
        key: next((end for end in ends(key) if sum(end in ends(one) for one in keys) == 1), key)
        for key in keys
    }


def ends(key: str) -> list[str]:
    """`depth`, `model.depth`: what a dotted key may be called, from the shortest."""
    parts = key.split(".")
    return [".".join(parts[-count:]) for count in range(1, len(parts) + 1)]


def shortened_labels(labels: Sequence[str], width: int) -> list[str]:
    """The labels with their middles cut out to fit `width`; in full where two would be alike."""
    head = (width - 1) // 2
    cut = [
        label if len(label) <= width else f"{label[: width - 1 - head]}…{label[-head:]}"
        for label in labels
    ]
    return cut if len(set(cut)) == len(set(labels)) else list(labels)
