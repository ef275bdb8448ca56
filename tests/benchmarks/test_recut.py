"""The benchmark of cutting again measures every step, from a generated analysis."""

import sys

import pytest
import recut


def test_every_step_is_measured_in_a_process_of_its_own(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["recut", "--hours", "0.01", "--rate", "25", "--runs", "1"])
    recut.main()
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines()[2:]]

    assert [row[1] for row in rows] == ["cut --style lively", "export", "planning alone"]
    for _, _, wall, cpu, peak in rows:
        assert float(wall) > 0
        assert float(cpu) > 0
        assert float(peak.rstrip(" |")) > 30  # NumPy alone takes as much


def test_a_command_that_fails_says_why(tmp_path):
    with pytest.raises(SystemExit, match=r"nothing\.mp4"):
        recut.run_command("export", tmp_path / "nothing.mp4", "-o", tmp_path / "cut.fcpxml")
