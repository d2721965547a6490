"""The program: `vgrad`, or `python -m vgrad`."""

import os
import signal
import sys
from types import FrameType

FAILED, INTERRUPTED = 1, 130
SAID = "interrupted\n"


def main() -> None:
    """Run the command line and exit. An interrupt is no traceback, not even while importing."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not ignored, as by `nohup`
        signal.signal(signal.SIGINT, _stop_at_once)
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
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is done but Python's end
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
