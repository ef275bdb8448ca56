"""Inputs on which something of ours once failed: each is now read right, or refused in one line."""

from functools import partial
from pathlib import Path

import pytest
from fuzzing import Watch, install_watch, limited
from test_fuzz_arrays import journals, try_arrays, try_journal
from test_fuzz_documents import try_document
from test_fuzz_editors import try_still
from test_fuzz_lists import try_labels
from test_fuzz_media import Prober, try_recording
from test_fuzz_timelines import try_timeline
from test_fuzz_user_files import try_style
from valid_cuts import a_cut

from otio_speakerzoom.interchange.read import MediaHints

SEEDS = Path(__file__).with_name("seeds")


def try_text(folder, path, use):
    return use(folder, path.read_bytes())


def try_edit(folder, path, use):
    hints = MediaHints((1920, 1080), (1920, 1080))
    return use(folder, (path.suffix, path.read_bytes(), hints, a_cut(1)))


def try_lines(folder, path, use):
    (folder / "folder").mkdir()
    name, data = path.name.partition(".")[2], path.read_bytes()
    if name.endswith(".journal"):  # its first line names the release, of which it must be
        data = b"\n".join([journals()[name].partition(b"\n")[0], data.partition(b"\n")[2]])
    return use(folder, (name, data))


def try_json(folder, path, use):
    return use(folder, (path.name.split(".")[1], path.read_bytes()))


USES = {
    "arrays": lambda folder, path: try_arrays(folder, (path.name.split(".")[1], path.read_bytes())),
    "documents": partial(try_json, use=try_document),
    "journals": partial(try_lines, use=try_journal),
    "labels": partial(try_text, use=try_labels),
    "styles": partial(try_text, use=try_style),
    "stills": partial(try_text, use=try_still),
    "timelines": partial(try_edit, use=try_timeline),
}
"""Folder of seeds -> how they are used, as random inputs of that target are."""
ACCEPTED = {f"timelines/{path.name}" for path in (SEEDS / "timelines").iterdir()}
"""Those that are read, but for what is wrong with a clip; all others are refused."""
PATHS = sorted(path for folder in USES for path in (SEEDS / folder).iterdir())


@pytest.mark.parametrize("path", PATHS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_once_failed_is_read_right_or_refused(path, tmp_path):
    install_watch(tmp_path)
    install_watch(SEEDS)
    journals()  # which writes a folder of its own, once
    with limited(), Watch([tmp_path]):
        accepted = USES[path.parent.name](tmp_path, path)

    assert accepted == (f"{path.parent.name}/{path.name}" in ACCEPTED)


@pytest.mark.parametrize("path", sorted((SEEDS / "recordings").iterdir()), ids=lambda p: p.name)
def test_a_recording_that_once_failed_is_opened(path, tmp_path):
    (tmp_path / "first").write_bytes(b"")
    prober = Prober()
    try:
        assert try_recording(tmp_path, prober, path.read_bytes())
    finally:
        prober.close()
