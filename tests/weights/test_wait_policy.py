"""Threads of a network wait without keeping a core busy, which the decoder needs."""

import os
import subprocess
import sys

import pytest

SCRIPT = """
import os, sys
import otio_speakerzoom.cli.main, otio_speakerzoom.pipeline.run_analysis
assert "torch" not in sys.modules  # which reads the policy once, when it is loaded
print(os.environ["OMP_WAIT_POLICY"])
"""


@pytest.mark.parametrize(
    ("preset", "policy"), [({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE")]
)
def test_the_policy_is_passive_before_torch_is_loaded_unless_the_user_sets_another(preset, policy):
    environment = {name: v for name, v in os.environ.items() if name != "OMP_WAIT_POLICY"}
    run = [sys.executable, "-c", SCRIPT]

    output = subprocess.run(
        run, env=environment | preset, capture_output=True, text=True, check=True
    )

    assert output.stdout.strip() == policy
