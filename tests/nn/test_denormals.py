"""Subnormal numbers are 0 within `flushed_denormals`, and only there."""

import threading

import numpy as np
import pytest

from vgrad.nn.denormals import can_flush, flushed_denormals

flushing = pytest.mark.skipif(not can_flush(), reason="this platform's processor is not known")
TINY = np.full(33, np.finfo(np.float32).tiny)
WIDE = np.full(33, np.finfo(np.float64).tiny)


def subnormals_live() -> bool:
    """Whether halving the smallest normal number leaves anything, in either precision."""
    left = [(array * array.dtype.type(0.5)).any() for array in (TINY, WIDE)]
    assert left[0] == left[1]
    return bool(left[0])


def test_subnormal_numbers_are_as_usual_outside() -> None:
    assert subnormals_live()
    with flushed_denormals():
        pass
    assert subnormals_live()


@flushing
def test_results_within_are_flushed() -> None:
    with flushed_denormals():
        assert not subnormals_live()


@flushing
def test_operands_within_are_read_as_0() -> None:
    small = TINY * np.float32(0.25)
    with flushed_denormals():
        assert not (small * np.float32(1e10)).any()
    assert (small * np.float32(1e10)).all()


def test_an_exception_restores_what_was() -> None:
    with pytest.raises(KeyError), flushed_denormals():
        raise KeyError
    assert subnormals_live()


@flushing
def test_they_nest() -> None:
    with flushed_denormals():
        with flushed_denormals():
            pass
        assert not subnormals_live()
    assert subnormals_live()


@flushing
def test_another_thread_does_not_notice() -> None:
    entered, leave = threading.Event(), threading.Event()

    def flush() -> None:
        with flushed_denormals():
            entered.set()
            leave.wait(10.0)

    thread = threading.Thread(target=flush)
    thread.start()
    assert entered.wait(10.0)
    live = subnormals_live()
    leave.set()
    thread.join()
    assert live


def test_normal_numbers_give_the_same_bits_within() -> None:
    x = np.random.default_rng(0).normal(size=(40, 40))
    outside = np.tanh(x @ x)
    with flushed_denormals():
        np.testing.assert_array_equal(np.tanh(x @ x), outside)
