"""Runs and sweeps, found by what the user calls them."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from vgrad.errors import Problem, RequestError, nearest
from vgrad.store.layout import LATEST, folder_names, is_run, is_stored, is_sweep

CANDIDATES = 5  # runs named in a message


def find(ref: str, runs_dir: Path) -> Path:
    """The folder of the run or sweep that `ref` stands for.

    An id, any unambiguous part of one, a path, or `latest`; `SWEEP/RUN`, each likewise, for a run
    of a sweep; or a part of its run-id alone, where nothing outside of sweeps is called so.

    Raises:
        RequestError: there is none, or more than one.
    """
    if ref == LATEST:
        return _newest(runs_dir, is_stored, "run")
    if os.sep in ref:
        if is_stored(Path(ref)):
            return Path(ref)
        if len(parts := Path(ref).parts) == 2:
            return find_run(parts[1], find_sweep(parts[0], runs_dir))
    found = _called(ref, runs_dir, is_stored)
    if not found:
        sweeps = [name for name in folder_names(runs_dir) if is_sweep(runs_dir / name)]
        found = [path for name in sweeps for path in _called(ref, runs_dir / name, is_run)]
    return _only(ref, found, runs_dir, "run")


def find_run(ref: str, runs_dir: Path) -> Path:
    """The folder of the run that `ref` stands for, as `find` does, of those of one folder: that
    of all runs, or a sweep's.

    Raises:
        RequestError: there is none, or more than one.
    """
    if ref == LATEST:
        return _newest(runs_dir, is_run, "run")
    if os.sep in ref and is_run(Path(ref)):
        return Path(ref)
    return _only(ref, _called(ref, runs_dir, is_run), runs_dir, "run")


def find_sweep(ref: str, runs_dir: Path) -> Path:
    """The folder of the sweep that `ref` stands for, as `find` does.

    Raises:
        RequestError: there is none, more than one, or it is a run.
    """
    if ref == LATEST:
        return _newest(runs_dir, is_sweep, "sweep")
    if os.sep in ref and is_sweep(Path(ref)):
        return Path(ref)
    found = _called(ref, runs_dir, is_sweep)
    if not found and len(runs := _called(ref, runs_dir, is_run)) == 1:
        raise RequestError(Problem(f"{runs[0].name} is a run, not a sweep"))
    return _only(ref, found, runs_dir, "sweep")


def _newest(folder: Path, wanted: Callable[[Path], bool], kind: str) -> Path:
    for name in folder_names(folder):
        if wanted(folder / name):
            return folder / name
    raise RequestError(Problem(f"there are no {kind}s in {folder}", allowed=f"try 'vgrad {kind}'"))


def _called(ref: str, folder: Path, wanted: Callable[[Path], bool]) -> list[Path]:
    """What `ref` may stand for, newest first: the one of this very name; or those that begin with
    it as a word, so that a run's number does not stand for a value in another's name, too; or
    those that hold it anywhere."""
    names = folder_names(folder) if ref else []
    ways: tuple[Callable[[str], bool], ...] = (
        lambda name: name == ref,
        lambda name: name.startswith(f"{ref}-"),
        lambda name: ref in name,
    )
    for fits in ways:
        if found := [folder / name for name in names if fits(name) and wanted(folder / name)]:
            return found
    return []


def _only(ref: str, found: Sequence[Path], folder: Path, kind: str) -> Path:
    if len(found) == 1:
        return found[0]
    if not found:
        lister = f"vgrad list --sweep {folder.name}" if is_sweep(folder) else "vgrad list"
        raise RequestError(
            Problem(
                f"no {kind} in {folder} is called {ref!r}",
                allowed=f"'{lister}' shows them",
                suggestion=nearest(ref, folder_names(folder)),
            )
        )
    shown = ", ".join(str(path.relative_to(folder)) for path in found[:CANDIDATES])
    more = f" and {len(found) - CANDIDATES} more" if len(found) > CANDIDATES else ""
    sweeps = sum(map(is_sweep, found))
    kinds = "sweeps" if sweeps == len(found) else "runs and sweeps" if sweeps else "runs"
    raise RequestError(
        Problem(f"{ref!r} stands for {len(found)} {kinds}", allowed=f"one of {shown}{more}")
    )
