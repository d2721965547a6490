"""The program: `vgrad`, or `python -m vgrad`."""

import os
import signal
import sys
from types import FrameType

FAILED, INTERRUPTED = 1, 130
SAID = "interrupted\n"
STOPPING = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
UNTOUCHED = (signal.default_int_handler, signal.SIG_DFL)  # not ignored, as by `nohup`


def main() -> None:
    """Run the command line and exit. An interrupt is no traceback, not even while importing."""
    for number in STOPPING:
        if signal.getsignal(number) in UNTOUCHED:
            signal.signal(number, _stop_at_once)
    from vgrad.cli import exit_code

    code = exit_code(sys.argv[1:])
    try:
        sys.stdout.flush()
    except OSError:  # whoever read us is gone, or the disk is full: nothing more to say there
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = code or FAILED
    if code == INTERRUPTED:
        sys.stderr.write(SAID)
        exec("")  # else Python, if the interrupt passed an `exec`, ends by dying of SIGINT
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)  # all is done but Python's end
    sys.exit(code)


def _stop_at_once(_number: int, _frame: FrameType | None) -> None:
    """End the process, where nothing that was begun wants an end.

    A KeyboardInterrupt is not safe there: raised while a module is imported, it comes out of
    some of them as another exception. What has something to end takes the signal over
    (`vgrad.interrupts`)."""
    os.write(sys.stderr.fileno(), SAID.encode())
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    main()
