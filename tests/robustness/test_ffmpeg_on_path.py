"""`doctor` beside an ffmpeg that cannot run or does not end: it is not run, so nothing changes."""

import os
import struct
import subprocess

import pytest
from tables import Table

from otio_speakerzoom.cli.main import main

HEADER = struct.pack(">HHIQQQIHHHHHH", 2, 22, 1, 4096, 64, 0, 0, 64, 56, 1, 0, 0, 0)
"""The rest of the header of a program in ELF for IBM's z/Architecture, with one segment."""
SEGMENT = struct.pack(">IIQQQQQQ", 1, 5, 0, 0, 0, 120, 120, 4096)
ELF = b"\x7fELF\x02\x02\x01" + bytes(9) + HEADER + SEGMENT
FFMPEGS = {
    "is of another architecture": ELF,
    "may not be executed": b"#!/bin/sh\nexit 0\n",
    "hangs": b"#!/bin/sh\n: > $0.ran; exec /bin/sleep 300\n",
    "prints garbage": b"#!/bin/sh\n: > $0.ran; exec /bin/head -c 90000 /dev/urandom\n",
    "is a folder": None,
    "is missing": None,
}
FAULTS = {
    "is of another architecture": "OSError",
    "may not be executed": "PermissionError",
    "hangs": "TimeoutExpired",
    "prints garbage": "90000 bytes",
    "is a folder": "PermissionError",
    "is missing": "FileNotFoundError",
}
"""What happens when it runs."""
TABLE = Table("ffmpeg", ("`ffmpeg` on PATH", "`doctor`"), list(FFMPEGS))


def put(case, folder):
    """Put such an ffmpeg into the folder."""
    path, content = folder / "ffmpeg", FFMPEGS[case]
    if content is not None:
        path.write_bytes(content)
        path.chmod(0o644 if case == "may not be executed" else 0o755)
    elif case == "is a folder":
        path.mkdir()
    return path


def fault_of(path, case):
    """What happens when such an ffmpeg runs."""
    try:
        run = subprocess.run([path], capture_output=True, timeout=0.5 if case == "hangs" else 60)
    except (OSError, subprocess.TimeoutExpired) as error:
        return type(error).__name__
    return f"{len(run.stdout)} bytes"


def doctor(folder, monkeypatch, capsys):
    with monkeypatch.context() as patched:
        patched.setenv("PATH", str(folder))
        code = main(["doctor"])
    return code, *capsys.readouterr()


@pytest.mark.skipif(os.name == "nt", reason="the programs are scripts of a shell")
@pytest.mark.parametrize("case", FFMPEGS)
def test_an_ffmpeg_that_cannot_be_used_changes_nothing(case, tmp_path, monkeypatch, capsys):
    (tmp_path / "empty").mkdir()
    without = doctor(tmp_path / "empty", monkeypatch, capsys)
    path, ran = put(case, tmp_path), tmp_path / "ffmpeg.ran"
    assert fault_of(path, case) == FAULTS[case]
    assert ran.exists() or case != "prints garbage"
    ran.unlink(missing_ok=True)

    code, out, err = doctor(tmp_path, monkeypatch, capsys)

    assert not ran.exists()
    assert (code, out, err) == without
    assert "PyAV" in out
    TABLE.check(case, f"{code}: it is not run, and nothing is different")


def test_the_table_of_ffmpegs_is_whole():
    TABLE.check_cases()
