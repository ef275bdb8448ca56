"""Threads of a network wait without keeping a core busy, which the decoder needs."""

import os
import subprocess
import sys

import pytest

SCRIPT = """
import os, sys
import otio_speakerzoom.pipeline, otio_speakerzoom.weights.fetch
assert os.environ.get("OMP_WAIT_POLICY") == PRESET  # a program that imports us sets its own
from otio_speakerzoom.cli import main, verbs
def verb(request, console):
    assert "torch" not in sys.modules  # which reads the policy once, when it is loaded
    print(os.environ["OMP_WAIT_POLICY"], os.environ["OPENBLAS_NUM_THREADS"])
verbs.VERBS["doctor"] = verb
sys.exit(main.main(["doctor"]))
"""


@pytest.mark.parametrize(
    ("preset", "policy"),
    [
        ({}, "PASSIVE 1"),
        ({"OMP_WAIT_POLICY": "ACTIVE", "OPENBLAS_NUM_THREADS": "3"}, "ACTIVE 3"),
    ],
)
def test_threads_wait_asleep_before_they_are_started_unless_the_user_wants_it(preset, policy):
    ours = ("OMP_WAIT_POLICY", "OPENBLAS_NUM_THREADS")
    environment = {name: v for name, v in os.environ.items() if name not in ours}
    script = SCRIPT.replace("PRESET", repr(preset.get("OMP_WAIT_POLICY")))
    run = [sys.executable, "-c", script]

    output = subprocess.run(
        run, env=environment | preset, capture_output=True, text=True, check=True
    )

    assert output.stdout.strip() == policy


def test_numpy_is_not_loaded_before_the_number_of_its_threads_is_set():
    script = "import sys; from otio_speakerzoom.cli import main; sys.exit('numpy' in sys.modules)"

    subprocess.run([sys.executable, "-c", script], check=True)
