"""A timeline names its media as the machine names it that opens it, and we read that name again."""

import unicodedata
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from otio_speakerzoom.interchange.read import MediaHints, read_timeline
from otio_speakerzoom.interchange.read.open import READERS
from otio_speakerzoom.model import Box, CutList, FrameRange, Media, Shot
from otio_speakerzoom.pipeline import timeline_text
from otio_speakerzoom.timeline.formats import FORMATS

HD = (1920, 1080)
FORMATS_READ = [
    pytest.param(suffix, *dialect, id=f"{suffix} for {editor}")
    for suffix, editors in FORMATS.items()
    if suffix in READERS
    for editor, dialect in editors.items()
]
NAME = "Gespräch #1 & 100%.mp4"
FOLDERS = {
    "a drive": (PureWindowsPath, "D:\\Aufnahmen\\Tag 1"),
    "a drive, with slashes": (PureWindowsPath, "d:/Aufnahmen"),
    "the top of a drive": (PureWindowsPath, "D:\\"),
    "a network share": (PureWindowsPath, "\\\\server\\Aufnahmen 1"),
    "a volume of a Mac": (PurePosixPath, "/Volumes/Aufnahmen"),
}


def cut_of(name):
    media = Media(Path("/mnt/media", name), Fraction(25), 500, HD)
    return CutList(media, HD, (Shot(FrameRange(0, 500), (), Box(0, 0, *HD)),))


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize(("suffix", "adapter", "options"), FORMATS_READ)
def test_the_media_of_another_system_comes_back_from_every_format(
    suffix, adapter, options, folder, tmp_path
):
    kind, new = FOLDERS[folder]
    file = tmp_path / f"cut{suffix}"
    text = timeline_text(cut_of(NAME), adapter, options, media_root=("/mnt/media", new))
    file.write_text(text, encoding="utf-8")
    names = {clip.media for clip in read_timeline(file, MediaHints(HD, HD)).clips}

    assert {kind(name) for name in names} == {kind(new) / NAME}


@pytest.mark.parametrize(("suffix", "adapter", "options"), FORMATS_READ)
def test_a_name_that_macos_decomposes_stays_as_the_system_has_it(
    suffix, adapter, options, tmp_path
):
    name = unicodedata.normalize("NFD", NAME)
    assert name != NAME
    file = tmp_path / f"cut{suffix}"
    file.write_text(timeline_text(cut_of(name), adapter, options), encoding="utf-8")

    timeline = read_timeline(file, MediaHints(HD, HD))
    assert {clip.media for clip in timeline.clips} == {f"/mnt/media/{name}"}
    assert all(clip.plays(NAME) for clip in timeline.clips)
