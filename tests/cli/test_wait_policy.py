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
    print(os.environ["OMP_WAIT_POLICY"])
verbs.VERBS["doctor"] = verb
sys.exit(main.main(["doctor"]))
"""


@pytest.mark.parametrize(
    ("preset", "policy"), [({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE")]
)
def test_the_policy_is_passive_before_torch_is_loaded_unless_the_user_sets_another(preset, policy):
    environment = {name: v for name, v in os.environ.items() if name != "OMP_WAIT_POLICY"}
    script = SCRIPT.replace("PRESET", repr(preset.get("OMP_WAIT_POLICY")))
    run = [sys.executable, "-c", script]

    output = subprocess.run(
        run, env=environment | preset, capture_output=True, text=True, check=True
    )

    assert output.stdout.strip() == policy
