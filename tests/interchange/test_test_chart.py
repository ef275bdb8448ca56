"""Each still of the pack has its cross in the middle, each timeline the same framings."""

import cv2
import numpy as np
import pytest

from otio_speakerzoom.cli.main import main
from otio_speakerzoom.interchange import test_chart
from otio_speakerzoom.interchange.lint import check
from otio_speakerzoom.interchange.read import MediaHints, read_timeline
from otio_speakerzoom.interchange.read.open import READERS
from otio_speakerzoom.interchange.test_chart import CANVAS, CENTRES, SIZE, chart_image, write_pack
from otio_speakerzoom.timeline.formats import FORMATS
from otio_speakerzoom.timeline.transform import crop_of


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pack")
    return folder, write_pack(folder)


def cross_centre(image):
    """Where the two strokes of the cross meet, as (x, y), in an (H, W, 3) BGR image."""
    red = image[..., 2].astype(int) - image[..., 1] > 80
    counts = red.sum(axis=0), red.sum(axis=1)
    return tuple(np.flatnonzero(count > 0.8 * count.max()).mean() for count in counts)


def test_each_still_has_its_cross_in_the_middle(pack):
    for number in range(1, 6):
        still = cv2.imread(str(pack[0] / f"expected_{number}.png"))

        assert still.shape[1::-1] == CANVAS
        assert cross_centre(still) == pytest.approx((CANVAS[0] / 2, CANVAS[1] / 2), abs=8)


def test_each_host_gets_a_timeline_of_the_same_framings(pack):
    for suffix, dialects in FORMATS.items():
        for dialect in dialects:
            path = pack[0] / f"calibrate_{dialect}{suffix}"
            assert path in pack[1]
            if suffix not in READERS:
                continue
            timeline = read_timeline(path, MediaHints(SIZE, CANVAS, dialect=dialect))
            crops = [crop_of(clip.transform, SIZE, CANVAS) for clip in timeline.tracks[0]]
            assert [(*crop.centre, crop.height) for crop in crops] == [
                pytest.approx(centre, abs=0.01) for centre in CENTRES
            ]
            assert check(path, canvas=CANVAS).problems == ()


def test_the_chart_marks_every_centre():
    chart = chart_image()

    for x, y, _ in CENTRES:
        assert tuple(chart[y, x]) == (200, 30, 30)


def test_the_instructions_list_every_framing(pack):
    instructions = (pack[0] / "README.txt").read_text()

    assert all(f"{x:>4}, {y:<4}" in instructions for x, y, _ in CENTRES)


def test_a_folder_that_cannot_be_created_is_an_error_of_one_line(tmp_path, capsys):
    (tmp_path / "file").write_text("")

    assert main(["calibrate", str(tmp_path / "file" / "pack")]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_pack_that_was_interrupted_is_written_again(tmp_path, monkeypatch):
    monkeypatch.setattr(test_chart, "SHOT_FRAMES", 2)

    def interrupt(*_):
        raise KeyboardInterrupt

    for step in ("_write_chart_film", "_write_stills"):
        with monkeypatch.context() as patched:
            patched.setattr(test_chart, step, interrupt)
            with pytest.raises(KeyboardInterrupt):
                write_pack(tmp_path)
    assert [path for path in write_pack(tmp_path) if not path.is_file()] == []
