"""What all tests share: how hypothesis draws, and which tests wait for what."""

import os
import signal
from collections.abc import Iterator
from importlib.util import find_spec

import pytest
from hypothesis import settings
from threadpoolctl import threadpool_limits

settings.register_profile("local", deadline=None)  # a loaded machine is no failure
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


def pytest_configure() -> None:
    """Take signals as on a terminal: who starts the tests in the background has Ctrl-C ignored, in
    them and in the processes that they start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in ("SIGHUP", "SIGTERM"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Live comparisons need PyTorch; the stored references stand in for it everywhere else."""
    if item.get_closest_marker("live_torch") and find_spec("torch") is None:
        pytest.skip("PyTorch is not installed: compared with its stored results only")


@pytest.fixture
def plugins_unloaded() -> Iterator[None]:
    """Families belong to the process: what a test adds to them is taken out again."""
    from vgrad.plugins import unload_plugins

    yield
    unload_plugins()


@pytest.fixture
def one_blas_thread() -> Iterator[None]:
    """As in a small network's run: threads that wait for each other take most of the time."""
    with threadpool_limits(1, user_api="blas"):
        yield
