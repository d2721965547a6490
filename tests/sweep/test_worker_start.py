"""Workers that are only just starting know nothing of a Ctrl-C, either."""

import subprocess
import sys

ASKS = """
import signal
from vgrad.sweep.executors import local_pool

with local_pool(1) as workers:
    asked = workers.executor.submit(signal.pthread_sigmask, signal.SIG_BLOCK, ())
    print(signal.SIGINT in asked.result())
"""


def test_a_worker_is_deaf_to_ctrl_c_from_its_first_instruction_on() -> None:
    """Asked in a fresh process: multiprocessing, which starts a helper process together with its
    first worker, lets Ctrl-C through again from then on."""
    done = subprocess.run([sys.executable, "-c", ASKS], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
