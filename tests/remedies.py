"""Runs the command at the end of a message, as a user would."""

import re
import shlex
import subprocess
from pathlib import Path

COMMAND = re.compile(r"\S*ffmpeg\S* -\S.* -i .*")


def remedied(message, folder):
    """Run the command at the end of a message in the shell; return what it makes in `folder`."""
    command = COMMAND.search(message)[0]
    out = Path(shlex.split(command)[-1].removeprefix("file:"))
    no_progress = command.replace(" -i ", " -v error -nostdin -y -i ", 1)
    subprocess.run(no_progress, shell=True, check=True, cwd=folder.parent)
    assert out.parent == folder
    return out
