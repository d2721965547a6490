"""Ctrl-C and its relatives, and the stretches that they must not cut."""

import signal
import threading
from collections.abc import Iterator
from types import FrameType

import pytest

from vgrad.interrupts import STOPPING, Interrupts


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Every test leaves the handlers as it found them."""
    before = {one: signal.getsignal(one) for one in STOPPING}
    yield
    after = {one: signal.getsignal(one) for one in STOPPING}
    for one, handler in before.items():
        signal.signal(one, handler)
    assert after == before


@pytest.mark.parametrize("number", STOPPING)
def test_each_signal_to_stop_interrupts(number: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt), Interrupts().active():
        signal.raise_signal(number)


def test_signals_after_the_first_do_nothing() -> None:
    done = []

    def work() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            for number in STOPPING:
                signal.raise_signal(number)
            done.append("what the first began")

    with pytest.raises(KeyboardInterrupt), Interrupts().active():
        work()
    assert done


def test_a_signal_waits_for_the_end_of_what_is_held() -> None:
    interrupts, done = Interrupts(), []

    def write() -> None:
        with interrupts.held():
            with interrupts.held():
                signal.raise_signal(signal.SIGTERM)
                done.append("inner")
            done.append("outer")
        done.append("too much")

    with pytest.raises(KeyboardInterrupt), interrupts.active():
        write()
    assert done == ["inner", "outer"]


def test_what_is_held_ends_as_it_would_where_no_signal_comes() -> None:
    interrupts = Interrupts()
    with interrupts.active(), interrupts.held(), interrupts.held():
        pass


def test_an_error_within_what_is_held_goes_before_the_signal() -> None:
    interrupts = Interrupts()

    def fail() -> None:
        with interrupts.held():
            signal.raise_signal(signal.SIGINT)
            raise OSError("full")

    with pytest.raises(OSError, match="full"), interrupts.active():
        fail()


def test_what_is_released_within_what_is_held_can_be_interrupted() -> None:
    interrupts, done = Interrupts(), []

    def work() -> None:
        with interrupts.held():
            try:
                with interrupts.released():
                    with interrupts.held():
                        pass
                    signal.raise_signal(signal.SIGINT)
                    done.append("too much")
            except KeyboardInterrupt:
                done.append("caught")
            done.append("written down")

    with interrupts.active():
        work()
    assert done == ["caught", "written down"]


def test_a_signal_that_waited_comes_at_the_beginning_of_what_is_released() -> None:
    interrupts, done = Interrupts(), []

    def work() -> None:
        with interrupts.held():
            signal.raise_signal(signal.SIGINT)
            done.append("held")
            with interrupts.released():
                done.append("too much")

    with pytest.raises(KeyboardInterrupt), interrupts.active():
        work()
    assert done == ["held"]


def test_what_was_released_is_held_again_afterwards() -> None:
    interrupts, done = Interrupts(), []

    def work() -> None:
        with interrupts.held():
            with interrupts.released():
                pass
            signal.raise_signal(signal.SIGINT)
            done.append("held")

    with pytest.raises(KeyboardInterrupt), interrupts.active():
        work()
    assert done == ["held"]


@pytest.mark.parametrize("number", STOPPING)
def test_a_signal_that_was_ignored_stays_ignored(number: signal.Signals) -> None:
    """As `nohup` and a shell's background have it."""
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with Interrupts().active():
            signal.raise_signal(number)
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)


def test_the_handlers_of_the_program_around_are_given_back() -> None:
    caught: list[int] = []

    def own(number: int, _frame: FrameType | None) -> None:
        caught.append(number)

    before = signal.signal(signal.SIGTERM, own)
    try:
        with pytest.raises(KeyboardInterrupt), Interrupts().active():
            signal.raise_signal(signal.SIGTERM)
        assert caught == []
        signal.raise_signal(signal.SIGTERM)
        assert caught == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_off_the_main_thread_nothing_is_taken_over() -> None:
    seen = []

    def work() -> None:
        interrupts = Interrupts()
        with interrupts.active(), interrupts.held(), interrupts.released():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]
