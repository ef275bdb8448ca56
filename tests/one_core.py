"""Gives each of several processes that share the tests one thread of each library.

Otherwise torch starts a thread on every core in every process. They wait for each other in loops
that keep a core busy, and on two cores the tests of networks took four times the CPU time. Where
one process runs all tests, torch has every core, and its threads sleep while they wait, as those
of the program do. Variables that are set already stay.

`conftest` imports this before any library that reads these variables, and the programs that tests
start inherit them; a test that compares numbers of threads sets its own.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
if "PYTEST_XDIST_WORKER" in os.environ:
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    os.environ.setdefault("OPENCV_FOR_THREADS_NUM", "1")
