"""The table `fuzz` of docs/robustness.md: how many damaged inputs each target has survived."""

from robustness.tables import WRITE, Table

BY_HAND_S = 40
"""A run of at least so long for each target, longer than by default, is one by hand: its counts go
into the table."""

REFUSED = "read right, or one line that names the file"
TARGETS = {
    "documents": ("JSON of a work folder: cut list, locks, people, options, media, jobs", REFUSED),
    "arrays": ("npz of a work folder: faces, tracks, scores, voice, panels", REFUSED),
    "journals": ("journals of a work folder: of edits, detections, scores", REFUSED),
    "timelines .otio": ("edited timelines: .otio", REFUSED),
    "timelines .fcpxml": ("edited timelines: .fcpxml, .fcpxmld", REFUSED),
    "timelines .xml": ("edited timelines: .xml", REFUSED),
    "timelines .mlt": ("edited timelines: .mlt", REFUSED),
    "timelines .kdenlive": ("edited timelines: .kdenlive", REFUSED),
    "check": ("timelines that `check` looks at", "its findings, a line each, or one line"),
    "import": ("timelines that `import` compares with a cut", "locks within it, or one line"),
    "styles": ("style files", REFUSED),
    "labels": ("labels", REFUSED),
    "weights": ("the list of weights", REFUSED),
    "transcripts": ("transcripts", "words within the source; what is no cue is left out"),
    "command lines": ("command lines", "a request, or one line and exit code 2"),
    "times and sizes": ("times, sizes and shapes", "whole frames and pixels, or one line"),
    "messages": ("messages of Resolve", "a delivery, or one line; others are passed over"),
    "notes": ("notes of the mailbox and of a running service", "read right, or counts as none"),
    "stills": ("stills of the test chart", "measured, or one line that names the file"),
    "requests": ("requests to the service: targets, headers, ranges", "an answer, never a failure"),
    "bodies": ("requests to the service: bodies", "an answer; the cut stays valid"),
    "operations": ("requests to the service: edits", "an answer; the cut is valid after each"),
    "folders": ("one file of a work folder whose cut is then edited", "an answer, or one line"),
    "recordings": ("headers of .mp4, .mov, .mkv, .avi and .ts", REFUSED),
}  # fmt: skip
"""Name of a target -> what is damaged, and what may come of it."""
COLUMNS = ("what is damaged", "inputs of the last run by hand", "failures", "what may come of it")
TABLE = Table("fuzz", COLUMNS, tuple(what for what, _ in TARGETS.values()))


def record(target, inputs, seconds):
    """Write how many inputs a target has survived, after a long run that writes tables."""
    if WRITE and seconds is not None and seconds >= BY_HAND_S:
        what, outcome = TARGETS[target]
        TABLE.check(what, f"{inputs:,} in {seconds / 60:.3g} minutes", 0, outcome)
