"""Each source finds its own work folder, whatever happens to names, and never another's."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import pytest

from otio_speakerzoom import pipeline, store
from otio_speakerzoom.errors import MediaError
from otio_speakerzoom.model import Media


def write(path, content=b"one"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def save_media(source, folder, content=None):
    """Save media.json of `source`; as an early version did if `content` is ""."""
    digest = store.source_digest(source)
    media = Media(source.resolve(), Fraction(25), 100, (64, 64))
    content = digest if content is None else content
    store.save_media(folder, media, store.digest("media", 2, digest), content)
    return folder


def test_a_recording_and_its_remux_have_one_folder_each(tmp_path):
    mp4, mkv = write(tmp_path / "talk.mp4"), write(tmp_path / "talk.mkv", b"other")

    assert store.find_folder(mp4) == tmp_path / "talk.mp4.speakerzoom"
    assert store.find_folder(mkv, tmp_path / "work") == tmp_path / "work" / "talk.mkv.speakerzoom"


def test_two_recordings_of_one_name_have_separate_folders_in_one_parent(tmp_path):
    one, other = write(tmp_path / "A" / "C1.MP4"), write(tmp_path / "B" / "C1.MP4", b"other")
    first = save_media(one, store.find_folder(one, tmp_path))
    second = save_media(other, store.find_folder(other, tmp_path))

    assert first == tmp_path / "C1.MP4.speakerzoom"
    assert second != first
    assert second.name.startswith("C1.MP4.")
    assert store.find_folder(one, tmp_path) == first
    assert store.find_folder(other, tmp_path) == second


def test_a_copy_shares_the_folder_and_a_changed_recording_keeps_it(tmp_path):
    one = write(tmp_path / "A" / "talk.mp4")
    copy = write(tmp_path / "B" / "talk.mp4")
    folder = save_media(one, store.find_folder(one, tmp_path))

    assert store.find_folder(copy, tmp_path) == folder
    write(one, b"recorded on")
    assert store.find_folder(one, tmp_path) == folder


@pytest.mark.parametrize("content", [None, ""])
def test_a_folder_with_an_earlier_name_is_renamed_for_its_own_source_only(tmp_path, content):
    mp4, mkv = write(tmp_path / "talk.mp4"), write(tmp_path / "talk.mkv", b"other")
    earlier = save_media(mp4, tmp_path / "talk.speakerzoom", content)
    (earlier / "locks.json").write_text("mine")

    assert store.find_folder(mkv) == tmp_path / "talk.mkv.speakerzoom"
    assert store.find_folder(mp4) == earlier  # reading changes nothing
    renamed = store.rename_folder(earlier, mp4)
    assert renamed == tmp_path / "talk.mp4.speakerzoom" == store.find_folder(mp4)
    assert (renamed / "locks.json").read_text() == "mine"
    assert not earlier.exists()


def test_a_renamed_recording_finds_its_results_and_a_copy_does_not(tmp_path):
    source = write(tmp_path / "talk.mp4")
    folder = save_media(source, store.find_folder(source))
    copy = Path(shutil.copy(source, tmp_path / "copy.mp4"))
    assert store.find_folder(copy) == tmp_path / "copy.mp4.speakerzoom"

    copy.unlink()
    renamed = source.rename(tmp_path / "interview.mp4")
    assert store.find_folder(renamed) == folder
    assert store.rename_folder(folder, renamed) == tmp_path / "interview.mp4.speakerzoom"


def test_the_error_about_missing_results_names_those_of_a_copy(tmp_path):
    source = write(tmp_path / "talk.mp4")
    folder = save_media(source, store.find_folder(source))
    copy = Path(shutil.copy(source, tmp_path / "copy.mp4"))

    assert store.find_copy(copy) == folder
    assert store.find_copy(source) is None
    error = pipeline.missing_result(pipeline.Job(copy), "cut", "cut")
    assert "copy.mp4: nothing is cut yet; run `speakerzoom cut` on it first" in str(error)
    assert "talk.mp4.speakerzoom holds the results of a recording with the same" in str(error)


def test_a_source_with_a_name_of_the_maximum_length_has_a_folder(tmp_path):
    source = write(tmp_path / ("é" * 125 + "x.mp4"))  # 255 bytes
    folder = store.find_folder(source)
    folder.mkdir()

    assert folder.name.endswith(".speakerzoom")
    other = source.with_name("é" * 125 + "y.mp4")
    assert store.find_folder(write(other)) != folder


def test_a_missing_source_is_an_error(tmp_path):
    with pytest.raises(MediaError, match=r"gone\.mp4: cannot be read"):
        store.source_digest(tmp_path / "gone.mp4")


@pytest.mark.parametrize("link", [Path.symlink_to, Path.hardlink_to])
def test_a_link_shares_the_folder_of_its_target_and_does_not_rename_it(tmp_path, link):
    source = write(tmp_path / "talk.mp4")
    folder = save_media(source, store.find_folder(source))
    other = tmp_path / "link.mp4"
    link(other, source)

    assert store.find_folder(other) == folder
    assert store.rename_folder(folder, other) == folder
    assert folder.is_dir()


def test_a_folder_is_not_renamed_while_another_process_works_in_it(tmp_path):
    source = write(tmp_path / "talk.mp4")
    folder = save_media(source, store.find_folder(source))
    renamed = source.rename(tmp_path / "interview.mp4")

    with ThreadPoolExecutor() as pool:
        with store.exclusive_lock(folder):
            settled = pool.submit(store.rename_folder, folder, renamed)
            with pytest.raises(TimeoutError):
                settled.result(timeout=0.3)
            assert folder.is_dir()
        assert settled.result(timeout=5) == tmp_path / "interview.mp4.speakerzoom"
    assert not folder.exists()
