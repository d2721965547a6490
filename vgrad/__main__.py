"""The program: `vgrad`, or `python -m vgrad`."""

import os
import sys

FAILED, INTERRUPTED = 1, 130


def main() -> None:
    """Run the command line and exit. An interrupt is no traceback, not even while importing."""
    try:
        from vgrad.cli import exit_code

        code = exit_code(sys.argv[1:])
        try:
            sys.stdout.flush()
        except OSError:  # whoever read us is gone, or the disk is full: nothing more to say there
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = code or FAILED
    except KeyboardInterrupt:
        code = INTERRUPTED
    if code == INTERRUPTED:
        sys.stderr.write("interrupted\n")
    sys.exit(code)


if __name__ == "__main__":
    main()
