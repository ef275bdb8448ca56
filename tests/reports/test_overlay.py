"""The film shows each box on its frames in its colour, and has the audio of the source."""

import subprocess
import sys
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
from conftest import ffmpeg
from test_contact_sheet import store_summary, summary_of, track_of

from otio_speakerzoom.cli.main import main
from otio_speakerzoom.errors import MediaError
from otio_speakerzoom.model import AudioStream, Box, CutList, FrameRange, Shot
from otio_speakerzoom.reports.contact_sheet import write_sheet
from otio_speakerzoom.reports.overlay import film_size, write_overlay
from otio_speakerzoom.source import probe, read_frames

BOX = (120.0, 80.0, 220.0, 180.0)
LEFT_EDGE, MIDDLE = (120, 130), (170, 130)  # x, y in a film as large as its source
# at 640x360 letters have 12 pixels and lines 2: the score's bar lies 4 below the box, 4 high
BAR, BAR_WIDTH = (120, 186), 100
STRIP = 24


@pytest.fixture(scope="session")
def beeping(tmp_path_factory):
    """Gray frame n has the luma 16 + 2n; a beep from 1.2 s to 1.4 s; the video 0.5 s late."""
    path = tmp_path_factory.mktemp("overlay") / "beeping.mkv"
    beep = r"aevalsrc=0.5*sin(2*PI*440*t)*between(t\,1.2\,1.4):s=48000:d=5"
    ffmpeg("-itsoffset", "0.5", "-f", "lavfi", "-i",
           "color=black:s=640x360:r=30000/1001,geq=lum='16+2*N':cb=128:cr=128",
           "-f", "lavfi", "-i", beep, "-frames:v", "90", "-c:v", "libx264", "-qp", "0",
           "-pix_fmt", "yuv420p", "-c:a", "pcm_s16le", str(path))  # fmt: skip
    return path


def film_of(summary, path):
    """Return the (H, W, 3) RGB frames of the overlay."""
    write_overlay(summary, path)
    with av.open(str(path)) as film:
        return [image.to_ndarray(format="rgb24") for image in film.decode(video=0)]


def hue(image, at):
    """Return what colour a pixel has, as far as an encoder leaves it."""
    red, _, blue = image[at[1], at[0]].astype(int)
    return "gray" if abs(red - blue) < 25 else "orange" if red > blue else "blue"


def gray_of(frame):
    return pytest.approx(2 * frame * 255 / 219, abs=4)


def test_a_box_appears_on_its_frames_only_and_is_orange_while_speaking(beeping, tmp_path):
    summary = summary_of(beeping, [track_of(30, 60, box=BOX)], speaking=[(1, 40, 50)])
    film = film_of(summary, tmp_path / "film.mp4")

    assert len(film) == 90
    expected = ["gray"] * 30 + ["blue"] * 10 + ["orange"] * 10 + ["blue"] * 10 + ["gray"] * 30
    assert [hue(image, LEFT_EDGE) for image in film] == expected
    assert [hue(image, MIDDLE) for image in film] == ["gray"] * 90
    levels = [image[MIDDLE[1], MIDDLE[0]].mean() for image in film]
    assert levels == [gray_of(frame) for frame in range(90)]


def test_the_box_is_scaled_with_the_frame(numbered_clip, tmp_path):
    """2560x1440 becomes 1280x720, so the box's left edge is at 480 / 2."""
    clip = numbered_clip("large.mp4", frames=2, size="2560x1440")
    film = film_of(summary_of(clip, [track_of(0, 2, box=(480, 400, 800, 700))]), tmp_path / "a.mp4")

    assert film[0].shape == (720, 1280, 3)
    assert [hue(film[1], at) for at in ((240, 300), (480, 300))] == ["blue", "gray"]


def test_the_bar_is_as_long_as_the_score_is_likely(beeping, tmp_path):
    likely = summary_of(beeping, [track_of(0, 30, box=BOX)], speaking=[(1, 0, 30)], logit=np.log(3))
    film = film_of(likely, tmp_path / "film.mp4")  # odds of 3 to 1

    x, y = BAR
    bar = [hue(film[15], (x + round(BAR_WIDTH * share), y)) for share in (0.1, 0.7, 0.8, 0.95)]
    assert bar == ["orange", "orange", "gray", "gray"]


def test_without_scores_there_is_a_box_and_no_bar(beeping, tmp_path):
    summary = summary_of(beeping, [track_of(0, 30, box=BOX)])
    summary = replace(summary, voice=None, speech=replace(summary.speech, scores=()))
    film = film_of(summary, tmp_path / "film.mp4")

    assert hue(film[15], LEFT_EDGE) == "blue"
    assert film[15][BAR[1] + 1, BAR[0] + 50].mean() == gray_of(15)


def test_who_speaks_is_drawn_over_who_does_not(beeping, tmp_path):
    tracks = [track_of(0, 30, box=BOX), track_of(0, 30, id=2, box=BOX)]
    film = film_of(summary_of(beeping, tracks, speaking=[(1, 0, 30)]), tmp_path / "film.mp4")

    assert hue(film[15], LEFT_EDGE) == "orange"


def test_a_long_name_is_shortened_to_a_fifth_of_the_width(beeping, tmp_path):
    summary = summary_of(beeping, [track_of(0, 30, box=BOX)])
    people = (replace(summary.people[0], name="Anna " * 20),)
    film = film_of(replace(summary, people=people), tmp_path / "film.mp4")

    label = [hue(film[15], (x, 70)) for x in (118, 350, 500)]  # beside the letters
    assert label == ["blue", "gray", "gray"]


def test_a_track_of_nobody_has_a_box_too(beeping, tmp_path):
    summary = summary_of(beeping, [track_of(0, 30, box=BOX)])
    people = (replace(summary.people[0], track_ids=()),)
    film = film_of(replace(summary, people=people), tmp_path / "film.mp4")

    assert hue(film[15], LEFT_EDGE) == "blue"


def test_the_strip_shows_voice_activity(beeping, tmp_path):
    voiced = np.zeros(90, np.float32)
    voiced[40:50] = 1
    film = film_of(summary_of(beeping, [], voiced=voiced), tmp_path / "film.mp4")

    def colours(image):
        left = image[-STRIP:, :160].astype(int)
        difference = left[..., 0] - left[..., 2]
        return bool((difference > 60).any()), bool((difference < -60).any())

    assert [colours(image) for image in film[38:52]] == (
        [(False, True)] * 2 + [(True, False)] * 10 + [(False, True)] * 2
    )


def test_the_strip_names_the_shot_and_lets_the_frame_show_through(beeping, tmp_path):
    media = probe(beeping)
    shot = Shot(FrameRange(0, 40), (), Box(0, 0, 640, 360))
    summary = summary_of(beeping, [])
    with_cut = film_of(replace(summary, cut_list=CutList(media, (640, 360), (shot,))),
                       tmp_path / "cut.mp4")  # fmt: skip
    without = film_of(summary, tmp_path / "plain.mp4")

    def text_begins(film, frame):
        right = film[frame][-STRIP:, 200:]
        return np.flatnonzero((right > 180).all(axis=2).any(axis=0))[0]

    assert text_begins(with_cut, 39) < text_begins(without, 39) - 60
    assert text_begins(with_cut, 40) == pytest.approx(text_begins(without, 40), abs=2)
    assert without[60][-2, 300].mean() == pytest.approx(without[60][100, 300].mean() / 3, abs=4)


def test_the_analysed_range_has_its_own_audio(beeping, tmp_path):
    summary = summary_of(beeping, [track_of(30, 60, box=BOX)])
    voice = replace(summary.voice, start=10, probability=summary.voice.probability[10:70])
    film = film_of(replace(summary, voice=voice), tmp_path / "film.mov")

    assert len(film) == 60
    assert [hue(film[n], LEFT_EDGE) for n in (19, 20, 49, 50)] == ["gray", "blue", "blue", "gray"]
    assert film[0][MIDDLE[1], MIDDLE[0]].mean() == gray_of(10)
    assert probe(tmp_path / "film.mov").rate == Fraction(30000, 1001)
    with av.open(str(tmp_path / "film.mov")) as container:
        sound = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
    loud = np.flatnonzero(np.abs(np.concatenate(sound)) > 0.1) / 48000
    # the beep is 0.7 s after the first frame, and the film begins at frame 10
    assert loud[0] == pytest.approx(0.7 - 10 * 1001 / 30000, abs=0.025)  # an AAC frame is 21 ms
    assert loud[-1] - loud[0] == pytest.approx(0.2, abs=0.025)


def test_a_silent_source_gives_a_silent_film(silent_clip, tmp_path):
    summary = replace(summary_of(silent_clip, [track_of(0, 50)]), voice=None)

    assert len(film_of(summary, tmp_path / "film.mkv")) == 50
    assert not probe(tmp_path / "film.mkv").audio_streams


@pytest.mark.parametrize(
    ("source", "film"),
    [
        ((3840, 2160), (1280, 720)),
        ((1080, 1920), (720, 1280)),
        ((1281, 100), (1280, 100)),
        ((321, 181), (320, 180)),
        ((64, 64), (64, 64)),
        ((5000, 3), (1280, 2)),
    ],
)
def test_the_film_is_even_and_never_longer_than_1280(source, film):
    assert film_size(source) == film


def test_colours_survive(make_clip, tmp_path):
    """Red comes out as the same red, whether the source is BT.709 or BT.601."""
    for matrix in ("bt709", "smpte170m"):
        source = "color=0xC03020:s=640x360:r=25:d=1,format=rgb24"
        marks = ("-vf", f"scale=out_color_matrix={matrix}", "-colorspace", matrix)
        clip = make_clip(f"red_{matrix}.mp4", picture=source, extra=marks)
        write_overlay(summary_of(clip, []), tmp_path / "film.mp4")
        before, after = (
            next(image for _, image in read_frames(probe(path)))[100, 300].tolist()
            for path in (clip, tmp_path / "film.mp4")
        )

        assert before == pytest.approx([0xC0, 0x30, 0x20], abs=4)
        assert after == pytest.approx(before, abs=4)


def test_progress_reaches_the_end_once_all_is_encoded(beeping, tmp_path):
    steps = []
    write_overlay(summary_of(beeping, []), tmp_path / "film.mp4",
                  on_progress=lambda *step: steps.append(step))  # fmt: skip

    assert steps == [(n, 90) for n in range(1, 91)]


def test_a_failed_encoding_leaves_nothing_and_says_why(beeping, silent_clip, tmp_path):
    summary = summary_of(silent_clip, [])
    fake = AudioStream(rate=48000, channels=1, delay=Fraction(0))  # which is not there
    summary = replace(summary, media=replace(summary.media, audio_streams=(fake,)))

    with pytest.raises(MediaError, match=r"silent\.mp4: has no stream 1 anymore"):
        write_overlay(summary, tmp_path / "film.mp4")
    assert list(tmp_path.iterdir()) == []


def test_an_interruption_leaves_nothing(beeping, tmp_path):
    def stop(done, total):
        if done == 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_overlay(summary_of(beeping, []), tmp_path / "film.mp4", on_progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_the_film_but_never_over_the_source(beeping, tmp_path, capsys):
    source = tmp_path / "talk.mkv"
    source.write_bytes(beeping.read_bytes())
    store_summary(summary_of(source, [track_of(30, 60, box=BOX)]), tmp_path)
    inspect = ["inspect", str(source), "--work", str(tmp_path), "--overlay"]

    assert main([*inspect, str(source)]) == 1
    assert "is the source" in capsys.readouterr().err
    assert source.read_bytes() == beeping.read_bytes()

    assert main([*inspect, str(tmp_path / "seen.mp4")]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "overlay: done" in captured.err
    assert probe(tmp_path / "seen.mp4").duration == 90


def test_a_full_disk_is_one_line_and_leaves_no_half_film(beeping, tmp_path):
    """A limit on file size stands in for a full disk, as in test_cli."""
    source = store_summary(summary_of(beeping, [track_of(30, 60, box=BOX)]), tmp_path / "work")
    limited = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000));"
        "from otio_speakerzoom.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    for option, name in (("--sheet", "people.png"), ("--overlay", "seen.mp4")):
        run = subprocess.run(
            [sys.executable, "-c", limited, "inspect", source, "--work", str(tmp_path / "work"),
             option, str(tmp_path / name)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip

        assert run.returncode == 1, run.stderr
        assert name in run.stderr.splitlines()[-1]
        assert "Traceback" not in run.stderr
        assert [path.name for path in tmp_path.iterdir()] == ["work"]


@pytest.mark.parametrize("write", [write_overlay, write_sheet])
def test_nothing_is_drawn_of_a_source_that_changes_while_it_is_read(write, beeping, tmp_path):
    source = tmp_path / "growing.mkv"
    source.write_bytes(beeping.read_bytes())
    summary, changes = summary_of(source, [track_of(30, 60, box=BOX)]), []

    def append(done, total):
        changes.append(done)
        with source.open("ab") as file:
            file.write(b"more")

    with pytest.raises(MediaError, match=r"growing\.mkv: was changed while it was read, so no "):
        write(summary, tmp_path / "drawn", on_progress=append)
    assert changes
    assert not (tmp_path / "drawn").exists()
