"""Runs the panel for Premiere under Node, against the fake Premiere in `premiere/`."""

import json
import shutil
import subprocess

import pytest
from conftest import REPOSITORY

PANEL = REPOSITORY / "adapters" / "premiere"
FAKE = REPOSITORY / "tests" / "plugins" / "premiere"
NODE = shutil.which("node")
MAX_RUN_S = 120

needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed")


def run_panel(scenario, script="run_panel.js"):
    """Return what came of a scenario, as `run_panel.js` or another script prints it."""
    command = [str(NODE), str(FAKE / script), str(PANEL)]
    run = subprocess.run(
        command, input=json.dumps(scenario), capture_output=True, text=True, timeout=MAX_RUN_S,
        check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)
