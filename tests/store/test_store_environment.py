"""What a run remembers of where it was made."""

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from vgrad.store import collect_environment
from vgrad.store.environment import git_commit

IDENTITY = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "A"), ("EMAIL", "a@example.org"))
}


def git(folder: Path, *arguments: str) -> str:
    """What git says, whatever the user has configured."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        **IDENTITY,
    }
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def commit(folder: Path) -> str:
    git(folder, "commit", "--allow-empty", "--message", "change")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch", "main")
    commit(folder)
    return folder


def test_the_commit_is_the_one_that_git_names(repository: Path) -> None:
    first = git(repository, "rev-parse", "HEAD")
    assert git_commit(repository) == first
    second = commit(repository)
    assert git_commit(repository) == second != first


def test_the_commit_is_found_from_a_folder_below(repository: Path) -> None:
    below = repository / "a" / "b"
    below.mkdir(parents=True)
    assert git_commit(below) == git(repository, "rev-parse", "HEAD")


def test_the_commit_is_found_on_a_branch_within_folders(repository: Path) -> None:
    git(repository, "switch", "--quiet", "--create", "feature/deep/er")
    new = commit(repository)
    assert git_commit(repository) == new


def test_the_commit_is_found_while_no_branch_is_checked_out(repository: Path) -> None:
    first = git(repository, "rev-parse", "HEAD")
    commit(repository)
    git(repository, "checkout", "--quiet", first)
    assert git_commit(repository) == first


def test_the_commit_is_found_among_packed_references(repository: Path) -> None:
    git(repository, "tag", "--annotate", "--message", "tag", "v1")
    git(repository, "pack-refs", "--all")
    assert not (repository / ".git" / "refs" / "heads" / "main").exists()
    assert git_commit(repository) == git(repository, "rev-parse", "HEAD")
    new = commit(repository)  # a loose reference goes before a packed one
    assert git_commit(repository) == new


@pytest.mark.parametrize("packed", [False, True])
def test_the_commit_is_found_in_a_worktree(repository: Path, packed: bool) -> None:
    tree = repository.parent / "tree"
    git(repository, "worktree", "add", "--quiet", "-b", "other", str(tree))
    own = commit(tree)
    if packed:
        git(repository, "pack-refs", "--all")
    assert git_commit(tree) == own
    assert git_commit(repository) == git(repository, "rev-parse", "HEAD") != own


def test_the_commit_is_found_in_a_worktree_without_a_branch(repository: Path) -> None:
    tree = repository.parent / "tree"
    git(repository, "worktree", "add", "--quiet", "--detach", str(tree))
    assert git_commit(tree) == git(repository, "rev-parse", "HEAD")


def test_the_commit_is_found_in_a_submodule(repository: Path) -> None:
    outer = repository.parent / "outer"
    outer.mkdir()
    git(outer, "init", "--quiet")
    allow = ("-c", "protocol.file.allow=always")
    git(outer, *allow, "submodule", "--quiet", "add", str(repository), "inner")
    assert git_commit(outer / "inner") == git(repository, "rev-parse", "HEAD")


def test_where_nothing_is_committed_there_is_no_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    assert git_commit(tmp_path) is None


@pytest.mark.parametrize("content", [None, b"", b"gitdir: nowhere", b"gitdir: ", b"\xff\xfe"])
def test_what_is_no_repository_has_no_commit(tmp_path: Path, content: bytes | None) -> None:
    if content is None:
        (tmp_path / ".git").mkdir()
    else:
        (tmp_path / ".git").write_bytes(content)
    assert git_commit(tmp_path) is None


@pytest.mark.parametrize("head", [b"", b"\xff", b"ref: ", b"ref: refs/heads/gone", b"ref: ../x"])
def test_a_damaged_repository_has_no_commit(repository: Path, head: bytes) -> None:
    (repository / ".git" / "HEAD").write_bytes(head)
    assert git_commit(repository) is None


def test_the_environment_is_what_python_sees() -> None:
    environment = collect_environment(["vgrad", "run", "a.yaml"])
    versions = environment["versions"]
    assert isinstance(versions, dict)
    assert versions["python"] == sys.version.split()[0]
    assert versions["numpy"] == np.__version__
    assert environment["command"] == ["vgrad", "run", "a.yaml"]
    assert environment["directory"] == str(Path.cwd())
    assert environment["pid"] == os.getpid()
    assert environment["end_time"] is None
    blas = environment["blas"]
    assert isinstance(blas, list)
    assert all({"internal_api", "version", "num_threads"} <= set(pool) for pool in blas)
    json.dumps(environment)


def test_times_are_iso_8601_in_utc() -> None:
    start = collect_environment([])["start_time"]
    assert isinstance(start, str)
    assert datetime.fromisoformat(start).utcoffset() == timedelta(0)


def test_a_folder_that_was_removed_is_no_reason_to_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    environment = collect_environment([])
    assert environment["directory"] is environment["git_commit"] is None
