"""What threads share: how much memory stays with the process after large blocks were freed."""

import subprocess
import sys

import pytest

BLOCKS = """
import sys
import numpy as np
from otio_speakerzoom.source import share_heap

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

share_heap()
np.ones(24 << 20, np.uint8)  # the C library would map no block up to this size any more
before, blocks, others = resident(), [], []
for _ in range(8):
    blocks.append(np.ones(20 << 20, np.uint8))
    others.append(np.ones(20 << 10, np.uint8))  # lie between them in the heap
used = resident() - before
del blocks
print(used, resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc holds on to blocks like that")
def test_large_blocks_are_given_back_as_soon_as_they_are_freed():
    run = subprocess.run([sys.executable, "-c", BLOCKS], capture_output=True, text=True, check=True)
    used, left = map(int, run.stdout.split())

    assert used > 150e6
    assert left < 10e6
