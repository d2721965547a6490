"""Axes that move together: `zip`, and the runs of a list."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from vgrad.config.document import Document, KeyPath
from vgrad.errors import Problem, RequestError, nearest
from vgrad.sweep.axes import UNCHANGED, Axis, Choices

Groups = Mapping[KeyPath, Sequence[str]]
"""Keys that move together, by the place where that is said."""


def zipped_axes(axes: Sequence[Axis], groups: Groups, document: Document) -> tuple[Axis, ...]:
    """The axes with those of each group of keys made one; values move together row by row.

    Raises:
        RequestError: a group has a key that is not swept, or lists of different lengths; located.
    """
    found = list(axes)
    for path, keys in groups.items():
        members = [_member(found, key, (*path, n), document) for n, key in enumerate(keys)]
        _check_lengths(members, path, document)
        found[found.index(members[0])] = _joined(members)
        found = [axis for axis in found if axis not in members]
    return tuple(found)


def side_by_side(axes: Sequence[Axis], document: Document) -> Choices:
    """All axes moving together, as the runs of a list; one with a single value keeps it.

    Raises:
        RequestError: one is a distribution, or they differ in length; located.
    """
    path: KeyPath = ("parameters",)
    firsts = [axis.keys[0] for axis in axes]
    members = [_member(axes, key, (*path, key), document) for key in firsts]
    longest = max(map(len, members))
    stretched = [
        replace(axis, rows=axis.rows * longest) if len(axis) == 1 else axis for axis in members
    ]
    _check_lengths(stretched, path, document)
    joined = _joined(stretched)
    return rows_of_mappings([joined.at(index) for index in range(len(joined))])


def rows_of_mappings(rows: Sequence[Mapping[str, object]]) -> Choices:
    """Runs stated one by one; a key that some leave out keeps the base's value there."""
    keys = tuple(dict.fromkeys(key for row in rows for key in row))
    return Choices(keys, tuple(tuple(row.get(key, UNCHANGED) for key in keys) for row in rows))


def _member(axes: Sequence[Axis], key: str, path: KeyPath, document: Document) -> Choices:
    axis = next((one for one in axes if key in one.keys), None)
    if isinstance(axis, Choices) and not axis.probabilities:
        return axis
    if axis is None:
        known = [one for other in axes for one in other.keys]
        what, allowed = "is not a parameter", f"one of {', '.join(known)}"
        problem = Problem(f"{key} {what}", str(path[0]), allowed, nearest(key, known))
    else:
        what, allowed = "has no plain list of values", "keys of parameters with values"
        problem = Problem(f"{key} {what}", str(path[0]), allowed)
    raise RequestError(document.locate(problem, path))


def _check_lengths(members: Sequence[Choices], path: KeyPath, document: Document) -> None:
    if len({len(axis) for axis in members}) > 1:
        counts = ", ".join(f"{axis.keys[0]} {len(axis)}" for axis in members)
        what = f"lists of different lengths: {counts}"
        problem = Problem(what, str(path[0]), "lists of one length")
        raise RequestError(document.locate(problem, path))


def _joined(members: Sequence[Choices]) -> Choices:
    keys = tuple(key for axis in members for key in axis.keys)
    rows = zip(*(axis.rows for axis in members), strict=True)
    return Choices(keys, tuple(tuple(value for part in row for value in part) for row in rows))
