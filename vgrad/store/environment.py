"""Where and how a run was made: versions, machine, command line, the state of the user's code."""

import os
import platform
import re
import socket
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from vgrad.records import Plugin

COMMIT = re.compile("[0-9a-f]{40}([0-9a-f]{24})?")  # SHA-1 or SHA-256
PACKAGES = ("vgrad", "numpy", "numba", "pydantic", "pyyaml")


def now() -> str:
    """The time in ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def collect_environment(
    command: Sequence[str], plugins: Sequence[Plugin] = (), kernels: str | None = None
) -> dict[str, object]:
    """What `environment.json` says of a run that begins now; its end is not known yet. `kernels`:
    who compiled those of the engine, None where NumPy does all."""
    folder = current_folder()
    return {
        "versions": {"python": platform.python_version(), **_versions()},
        "platform": platform.platform(),
        "machine": platform.machine(),
        "hostname": socket.gethostname(),
        "cpu_count": os.cpu_count(),
        "blas": _blas(),
        "git_commit": git_commit(folder) if folder else None,
        "command": list(command),
        "directory": str(folder) if folder else None,
        "plugins": [asdict(plugin) for plugin in plugins],
        "kernels": kernels,
        "pid": os.getpid(),
        "start_time": now(),
        "end_time": None,
    }


def current_folder() -> Path | None:
    """The folder that the process works in; None where it was removed meanwhile."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return None


@cache
def _versions() -> dict[str, str]:
    found = {"numpy": np.__version__}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # a checkout that is not installed
            continue
    return found


def _blas() -> list[dict[str, object]]:
    from threadpoolctl import threadpool_info

    wanted = ("internal_api", "version", "architecture", "num_threads")
    return [
        {key: pool.get(key) for key in wanted}
        for pool in threadpool_info()
        if pool.get("user_api") == "blas"
    ]


def git_commit(folder: Path) -> str | None:
    """The commit that is checked out in or above `folder`, read from git's files: starting git
    would take longer than everything else here. None where there is none."""
    try:
        for parent in (folder, *folder.parents):
            git = parent / ".git"
            if git.exists():
                head = _head(git)
                return head if COMMIT.fullmatch(head) else None
    except (OSError, UnicodeDecodeError):  # not ours to read, or no repository after all
        pass
    return None


def _head(git: Path) -> str:
    """What git's files name as the commit that is checked out, "" where they do not say."""
    if git.is_file():  # a worktree or a submodule: `gitdir: PATH`
        git = (git.parent / git.read_text().partition(":")[2].strip()).resolve()
    head = (git / "HEAD").read_text().strip()
    if not head.startswith("ref: "):
        return head
    ref = head.removeprefix("ref: ")
    common = git / "commondir"
    roots = [git, git / common.read_text().strip()] if common.exists() else [git]
    for root in roots:
        if (root / ref).is_file():
            return (root / ref).read_text().strip()
        packed = root / "packed-refs"
        for line in packed.read_text().splitlines() if packed.exists() else ():
            if line.endswith(f" {ref}"):
                return line.split()[0]
    return ""
