"""The command `speakerzoom`.

`parser` says what may be asked, `verbs` does it, `run` is around both: messages, exit codes.
"""

from otio_speakerzoom.cli.run import main

__all__ = ["main"]
