"""The program: `vgrad`, or `python -m vgrad`."""

import sys

INTERRUPTED = 130


def main() -> None:
    """Run the command line and exit. An interrupt is no traceback, not even while importing."""
    try:
        from vgrad.cli import exit_code

        code = exit_code(sys.argv[1:])
    except KeyboardInterrupt:
        code = INTERRUPTED
    if code == INTERRUPTED:
        sys.stderr.write("interrupted\n")
    sys.exit(code)


if __name__ == "__main__":
    main()
