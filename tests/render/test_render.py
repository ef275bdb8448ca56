"""The film is the cut list: every frame, every crop, and the sound where it was."""

import subprocess
from fractions import Fraction

import av
import numpy as np
import pytest
from conftest import find_ffmpeg
from hypothesis import given
from strategies import cut_lists

from otio_speakerzoom.errors import ToolError
from otio_speakerzoom.model import Box, Cover, CropKey, CutList, FrameRange, Person, Shot
from otio_speakerzoom.render import encoders
from otio_speakerzoom.render.film import render_film, rendered_frames, whole_pixels
from otio_speakerzoom.source import decode_frames, filters, probe

LEFT, RIGHT, WHOLE = Box(0, 0, 64, 64), Box(64, 0, 128, 64), Box(0, 0, 128, 64)


@pytest.fixture(scope="session")
def two_halves(tmp_path_factory):
    """Return a function that makes a lossless clip whose halves count frames, each in its own way.

    With a beep from 1.2 s to 1.4 s; `late` seconds of sound come before the picture.
    """
    folder = tmp_path_factory.mktemp("halves")

    def make(rate, late="0"):
        path = folder / f"halves{rate.replace('/', '_')}_{late}.mkv"
        lum = r"20+mod(37*N+(90+16*N)*gte(X\,W/2)\,210)"
        picture = f"color=black:s=128x64:r={rate},geq=lum='{lum}':cb=128:cr=128"
        beep = r"aevalsrc=0.5*sin(2*PI*440*t)*between(t\,1.2\,1.4):s=48000:d=4"
        command = [find_ffmpeg(), "-v", "error", "-y", "-itsoffset", late, "-f", "lavfi", "-i",
                   picture, "-f", "lavfi", "-i", beep, "-frames:v", "90", "-c:v", "libx264", "-qp",
                   "0", "-pix_fmt", "yuv420p", "-c:a", "pcm_s16le", str(path)]  # fmt: skip
        subprocess.run(command, check=True)
        return path

    return make


def luma(frame, right):
    return 20 + (37 * frame + (90 + 16 * frame) * right) % 210


def decoded(path):
    with av.open(str(path)) as film:
        return [frame.to_ndarray(format="gray") for frame in film.decode(video=0)]


def frames_of(cut_list, within=None):
    """Return the frames of a film before they are encoded."""
    decoded_frames = decode_frames(cut_list.media, within or cut_list.range)
    return [frame.to_ndarray() for frame in rendered_frames(cut_list, decoded_frames)]


@pytest.mark.parametrize("rate", ["24000/1001", "25", "30000/1001", "50", "60000/1001"])
@pytest.mark.parametrize("late", ["0", "0.5"])
def test_every_cut_falls_on_its_frame(two_halves, tmp_path, rate, late):
    media = probe(two_halves(rate, late))
    cuts = [0, 7, 8, 31, 60, media.duration]
    crops = [LEFT, RIGHT, LEFT, RIGHT, LEFT]
    shots = tuple(
        Shot(FrameRange(start, end), (1,), crop)
        for start, end, crop in zip(cuts, cuts[1:], crops, strict=False)
    )
    render_film(CutList(media, (64, 64), shots, (Person(1, ()),)), tmp_path / "film.mp4")
    film = decoded(tmp_path / "film.mp4")

    assert len(film) == media.duration == 90
    for shot in shots:
        for frame in range(shot.range.start, shot.range.end):
            # gray is full range, luma 16..235
            expected = (luma(frame, shot.crop == RIGHT) - 16) * 255 / 219
            assert film[frame][8:56, 8:56].mean() == pytest.approx(expected, abs=4)


def test_crops_of_many_sizes_fill_the_canvas(numbered_clip, tmp_path):
    """A film whose shots differ in size once stood still in ffmpeg 5.1, without a word."""
    media = probe(numbered_clip("sizes.mp4", size="320x180", frames=100))
    crops = [Box(0, 0, 101.25, 180), Box(50, 6, 140, 166), Box(20, 50, 65, 130), Box(7, 0, 97, 160)]
    shots = tuple(
        Shot(FrameRange(20 * n, 20 * n + 20), (), crops[n % len(crops)]) for n in range(5)
    )
    render_film(CutList(media, (180, 320), shots), tmp_path / "film.mp4")
    film = decoded(tmp_path / "film.mp4")

    assert len(film) == 100
    levels = [frame.mean() for frame in film]
    assert levels == pytest.approx([2 * n * 255 / 219 for n in range(100)], abs=2)


@pytest.mark.parametrize("rate", ["25", "60000/1001"])
def test_a_face_is_dimmed_in_its_shot_and_nowhere_else(two_halves, tmp_path, rate):
    media = probe(two_halves(rate))
    cover = Cover(Box(80, 16, 112, 48), "dim")
    shots = tuple(
        Shot(FrameRange(start, end), (), WHOLE, covers=covers)
        for start, end, covers in ((0, 20, ()), (20, 41, (cover,)), (41, 90, ()))
    )
    render_film(CutList(media, (128, 64), shots), tmp_path / "film.mp4")

    for frame, picture in enumerate(decoded(tmp_path / "film.mp4")):
        covered, beside = picture[20:44, 84:108].mean(), picture[20:44, 8:56].mean()
        plain = (luma(frame, 1) - 16) * 255 / 219
        dimmed = (luma(frame, 1) * 0.15 - 16) * 255 / 219
        assert beside == pytest.approx((luma(frame, 0) - 16) * 255 / 219, abs=4)
        assert covered == pytest.approx(max(0, dimmed) if 20 <= frame < 41 else plain, abs=6)


def test_a_blurred_face_has_no_features_left(tmp_path):
    path = tmp_path / "checks.mkv"
    checks = r"color=black:s=128x64:r=25,geq=lum='235*mod(floor(X/4)+floor(Y/4)\,2)':cb=128:cr=128"
    command = [find_ffmpeg(), "-v", "error", "-f", "lavfi", "-i", checks, "-frames:v", "20",
               "-c:v", "libx264", "-qp", "0", "-pix_fmt", "yuv420p", str(path)]  # fmt: skip
    subprocess.run(command, check=True)
    cover = Cover(Box(64, 0, 128, 64), "blur")
    shot = Shot(FrameRange(0, 20), (), WHOLE, covers=(cover,))
    render_film(CutList(probe(path), (128, 64), (shot,)), tmp_path / "film.mp4")

    for frame in decoded(tmp_path / "film.mp4"):
        assert frame[8:56, 8:56].std() > 80
        assert frame[8:56, 76:120].std() < 12


def test_a_crop_of_another_shape_is_not_stretched_but_its_middle_shown(tmp_path):
    path = tmp_path / "rows.mkv"
    command = [find_ffmpeg(), "-v", "error", "-f", "lavfi", "-i",
               "color=black:s=128x64:r=25,geq=lum='16+3*Y':cb=128:cr=128", "-frames:v", "10",
               "-c:v", "libx264", "-qp", "0", "-pix_fmt", "yuv420p", str(path)]  # fmt: skip
    subprocess.run(command, check=True)
    shots = (
        Shot(FrameRange(0, 5), (), Box(32, 0, 96, 64)),
        Shot(FrameRange(5, 10), (), Box(0, 20, 128, 40)),
    )
    render_film(CutList(probe(path), (128, 64), shots), tmp_path / "film.mp4")

    for frame, picture in enumerate(decoded(tmp_path / "film.mp4")):
        # a row of the canvas is half a row of the source around row 32, then a third around 30
        middle, per_row = (32, 1 / 2) if frame < 5 else (30, 20 / 64)
        for row in (4, 32, 60):
            expected = 3 * (middle + (row + 0.5 - 32) * per_row - 0.5) * 255 / 219
            assert picture[row].mean() == pytest.approx(expected, abs=3)


def test_a_range_is_rendered_with_its_own_audio(two_halves, tmp_path):
    media = probe(two_halves("25", "0.5"))
    # 0.5 s of sound lie before frame 0, so the beep is at 0.7 s of the picture, frame 17.5
    shot = Shot(FrameRange(10, 60), (), WHOLE)
    render_film(CutList(media, (128, 64), (shot,)), tmp_path / "film.mov")

    film = decoded(tmp_path / "film.mov")
    assert len(film) == 50
    assert film[0][:, :56].mean() == pytest.approx((luma(10, 0) - 16) * 255 / 219, abs=4)
    with av.open(str(tmp_path / "film.mov")) as container:
        sound = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
    loud = np.flatnonzero(np.abs(np.concatenate(sound)) > 0.1)
    assert loud[0] / 48000 == pytest.approx(0.7 - 0.4, abs=0.025)  # an AAC frame is 21 ms
    assert (loud[-1] - loud[0]) / 48000 == pytest.approx(0.2, abs=0.025)


@given(cut_lists())
def test_whole_pixels_stay_inside_and_within_a_pixel_of_the_crop(cut_list):
    for shot in cut_list.shots:
        left, top, width, height = whole_pixels(shot.crop, cut_list.media.size)

        assert left >= 0
        assert top >= 0
        assert left + width <= cut_list.media.size[0]
        assert top + height <= cut_list.media.size[1]
        assert left == pytest.approx(shot.crop.left, abs=1)
        assert left + width == pytest.approx(shot.crop.right, abs=1)


def test_a_failed_render_leaves_nothing_and_names_the_cause(two_halves, tmp_path):
    media = probe(two_halves("25"))
    shot = Shot(FrameRange(0, 90), (), WHOLE)
    too_large = CutList(media, (200_000, 100_000), (shot,))

    with pytest.raises(ToolError, match=r"film\.mp4: a film of 200000x100000 .* --canvas"):
        render_film(too_large, tmp_path / "film.mp4")
    assert list(tmp_path.iterdir()) == []


def test_progress_reaches_the_end(two_halves, tmp_path):
    media = probe(two_halves("25"))
    steps = []
    cut_list = CutList(media, (128, 64), (Shot(FrameRange(0, 90), (), WHOLE),))
    render_film(cut_list, tmp_path / "film.mkv", on_progress=lambda *step: steps.append(step))

    assert steps[-1] == (90, 90)
    assert Fraction(probe(tmp_path / "film.mkv").rate) == 25


def test_a_crop_that_moves_builds_no_filters_for_each_frame(two_halves, monkeypatch):
    media = probe(two_halves("25"))
    span = FrameRange(0, 60)
    moving = Shot(span, (1,), LEFT, keys=(CropKey(0, LEFT), CropKey(59, Box(59, 0, 123, 64))))
    still = tuple(
        Shot(FrameRange(n, n + 1), (1,), Box(n, 0, n + 64, 64)) for n in range(span.duration)
    )
    built = []
    build = filters._graph
    monkeypatch.setattr(filters, "_graph", lambda *of: built.append(of) or build(*of))

    with_moves = frames_of(CutList(media, (64, 64), (moving,), (Person(1, (1,)),)))
    assert len(built) <= 4  # one for each way in which it lies on the pixels of colour
    of_stills = frames_of(CutList(media, (64, 64), still, (Person(1, (1,)),)))
    assert len(with_moves) == 60
    assert all((one == other).all() for one, other in zip(with_moves, of_stills, strict=True))


@pytest.mark.parametrize("canvas", [(128, 64), (64, 32)])
def test_the_film_has_its_own_keyframes(tmp_path, canvas):
    path = tmp_path / "intra.mkv"
    command = [find_ffmpeg(), "-v", "error", "-f", "lavfi", "-i", "color=gray:s=128x64:r=25",
               "-frames:v", "60", "-c:v", "libx264", "-g", "1", "-pix_fmt", "yuv420p",
               str(path)]  # fmt: skip
    subprocess.run(command, check=True)
    shot = Shot(FrameRange(0, 60), (), WHOLE)
    render_film(CutList(probe(path), canvas, (shot,)), tmp_path / "film.mp4")

    with av.open(str(tmp_path / "film.mp4")) as film:
        assert [frame.key_frame for frame in film.decode(video=0)] == [True] + 59 * [False]


def test_a_part_of_the_film_has_the_frames_of_the_whole(two_halves, tmp_path):
    media = probe(two_halves("25"))
    moving = Box(0, 0, 63, 63), Box(64.5, 0.5, 127.5, 63.5)
    keys = (CropKey(20, moving[0]), CropKey(69, moving[1]))
    shots = (
        Shot(FrameRange(0, 20), (1,), LEFT),
        Shot(FrameRange(20, 70), (1,), moving[0], keys=keys),
        Shot(FrameRange(70, 90), (1,), RIGHT),
    )
    cut_list = CutList(media, (64, 64), shots, (Person(1, (1,)),))
    whole = frames_of(cut_list)

    for part in (FrameRange(20, 70), FrameRange(33, 75), FrameRange(89, 90)):
        frames = frames_of(cut_list, part)
        assert len(frames) == part.duration
        expected = whole[part.start : part.end]
        assert all((one == other).all() for one, other in zip(frames, expected, strict=True))

        render_film(cut_list, tmp_path / "part.mkv", within=part)
        film = decoded(tmp_path / "part.mkv")
        assert len(film) == part.duration
        for frame, shown in enumerate(film, part.start):
            assert shown.mean() == pytest.approx((whole[frame][:64].mean() - 16) * 255 / 219, abs=3)


@pytest.mark.parametrize("name", ["nvenc", "auto"])
def test_the_requested_encoder_writes_the_film(two_halves, tmp_path, monkeypatch, name):
    media = probe(two_halves("25"))
    other = encoders.Encoder("mpeg4", {}, pixels="yuv420p")
    monkeypatch.setitem(encoders.ENCODERS, "nvenc", other)
    encoders.check_encoder(name)
    cut_list = CutList(media, (128, 64), (Shot(FrameRange(0, 90), (), WHOLE),))
    render_film(cut_list, tmp_path / "film.mp4", encoder=name)

    with av.open(str(tmp_path / "film.mp4")) as film:
        assert film.streams.video[0].codec.name == ("mpeg4" if name == "nvenc" else "h264")


def test_a_draft_is_cut_and_cropped_in_the_same_places(two_halves, tmp_path, monkeypatch):
    media = probe(two_halves("25"))
    settings = []
    monkeypatch.setattr(
        encoders.Encoder, "settings", lambda self, crf, draft: settings.append(draft) or {}
    )
    shots = (Shot(FrameRange(0, 31), (), LEFT), Shot(FrameRange(31, 90), (), RIGHT))
    cut_list = CutList(media, (32, 32), shots)
    draft, full = (
        [f.to_ndarray() for f in rendered_frames(cut_list, decode_frames(media, media.range),
                                                 draft=draft)]
        for draft in (True, False)
    )  # fmt: skip
    render_film(cut_list, tmp_path / "film.mp4", draft=True)

    assert settings == [True]
    for one, other in zip(draft, full, strict=True):
        assert one.mean() == pytest.approx(other.mean(), abs=1)


def test_a_draft_has_settings_of_its_own():
    for name, encoder in encoders.ENCODERS.items():
        full, draft = (encoder.settings(18, draft=draft) for draft in (False, True))
        assert full.keys() == draft.keys()
        assert (full == draft) == (name in ("qsv", "vaapi"))
        assert all("{" not in value for value in (*full.values(), *draft.values()))
