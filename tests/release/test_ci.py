"""Continuous integration runs what a developer runs: the hosted file calls `.ci/run`."""

import os
import re
import stat

from conftest import REPOSITORY

HOSTED = (REPOSITORY / ".github" / "workflows" / "ci.yml").read_text("utf-8")
LOCAL = REPOSITORY / ".ci" / "run"


def commands(script):
    """The `make` commands of a script, in order."""
    return re.findall(r"^make (.+)$", script, re.MULTILINE)


def jobs():
    """The text of each job of the hosted file by its name."""
    _, _, text = HOSTED.partition("\njobs:\n")
    parts = re.split(r"^  ([\w-]+):\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_check_and_every_test_runs_and_no_skip_goes_unnoticed():
    assert commands(LOCAL.read_text("utf-8")) == [
        "check",
        "test TESTS=--fail-on-skips",
        'test-slow TESTS="--fail-on-skips --fuzz-seconds 5"',
        "test-lowest",
    ]
    assert os.name == "nt" or LOCAL.stat().st_mode & stat.S_IXUSR


def test_the_hosted_file_runs_the_same_script_with_the_first_version_of_python():
    linux = jobs()["linux"]

    assert re.search(r"run: .*\.ci/run\b", linux)
    assert 'python-version: "3.11"' in linux
    assert "continue-on-error" not in linux


def test_only_systems_on_which_the_tests_never_ran_may_fail():
    allowed = {name: "continue-on-error: true" in text for name, text in jobs().items()}

    assert allowed == {"linux": False, "newer-python": False, "not-yet-passed": True}
    assert "macos" in jobs()["not-yet-passed"]
    assert "windows" in jobs()["not-yet-passed"]


def test_every_action_is_pinned_to_a_commit_and_gets_no_right_to_write():
    actions = re.findall(r"uses: (\S+)", HOSTED)

    assert len(actions) >= 6
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action) for action in actions), actions
    assert "permissions:\n  contents: read\n" in HOSTED
    assert HOSTED.count("actions/checkout@") == HOSTED.count("persist-credentials: false")
