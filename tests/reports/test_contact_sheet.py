"""The sheet shows everybody once, by their best face, under a name that can be read."""

import logging
import subprocess
import sys
from dataclasses import replace

import av
import numpy as np
import pytest
from conftest import ffmpeg

from otio_speakerzoom import pipeline, store
from otio_speakerzoom.cli.main import main
from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.model import (
    FaceTrack,
    Microphone,
    Person,
    Speech,
    SpeechScores,
    VoiceActivity,
)
from otio_speakerzoom.pipeline.digests import digest, scores_digest
from otio_speakerzoom.reports.contact_sheet import (
    CAPTION,
    COLUMNS,
    FACTS,
    GAP,
    NAME,
    PAPER,
    PORTRAIT,
    write_sheet,
)
from otio_speakerzoom.reports.draw_text import (
    _warn,
    draw_text,
    drawable_labels,
    shorten,
    width_of,
)
from otio_speakerzoom.reports.summary import AnalysisSummary
from otio_speakerzoom.source import probe

BOX = (120.0, 60.0, 180.0, 120.0)


def known_of(path, tracks, *, speaking=(), heard=None, logit=2.0, cut_list=None):
    """Return what is known of a clip where track n is person n, and who of them speaks when.

    `speaking` holds (person, first frame, end); the score is `logit` then, and -`logit` otherwise.
    """
    media = probe(path)
    people = tuple(Person(track.id, (track.id,)) for track in tracks)
    speaks = np.zeros((len(people), media.duration), np.bool_)
    for id_, start, end in speaking:
        speaks[id_ - 1, start:end] = True
    scores = tuple(
        SpeechScores(t.id, t.start, np.where(speaks[n, t.range.start : t.range.end], 1, -1) * logit)
        for n, t in enumerate(tracks)
    )
    heard = np.zeros(media.duration, np.float32) if heard is None else heard
    voice = VoiceActivity(0, heard, (Microphone(0),))
    return AnalysisSummary(media, tuple(tracks), people, voice, Speech(scores), speaks, cut_list)


def track_of(start, end, *, id=1, box=BOX, seen=True):
    boxes = np.tile(np.array(box, np.float32), (end - start, 1))
    return FaceTrack(id, start, boxes, np.full(end - start, seen))


def keep(known, work):
    """Keep that knowledge in `work` as an analysis would have, and return the source."""
    job = pipeline.Job(known.media.path, work)
    _, media_digest = pipeline.open_source(job)
    store.save_media(job.folder, known.media, media_digest)
    store.save_tracks(job.folder, known.tracks, "tracks")
    store.save_people(job.folder, known.people, digest("people", "tracks"))
    store.save_voice(job.folder, known.voice, "voice")
    store.save_scores(job.folder, known.speech, scores_digest("motion", "tracks", "voice"))
    return str(known.media.path)


def sheet_of(known, path):
    write_sheet(known, path)
    with av.open(str(path)) as image:
        return next(image.decode(video=0)).to_ndarray(format="rgb24")


def picture(sheet, n=0):
    """Return the `n`th person's picture."""
    y = GAP + n // COLUMNS * (PORTRAIT + CAPTION + GAP)
    x = GAP + n % COLUMNS * (PORTRAIT + GAP)
    return sheet[y : y + PORTRAIT, x : x + PORTRAIT]


@pytest.fixture(scope="session")
def counting(numbered_clip):
    return numbered_clip("counting.mp4", size="320x180")


def gray_of(frame):
    """Return what the luma of the counting clip's frame becomes in RGB."""
    return pytest.approx(2 * frame * 255 / 219, abs=2)


def test_the_face_is_of_a_frame_in_which_its_person_speaks(counting, tmp_path):
    known = known_of(counting, [track_of(10, 90)], speaking=[(1, 60, 61)])

    assert picture(sheet_of(known, tmp_path / "a.png")).mean() == gray_of(60)


def test_a_large_face_is_better_than_one_that_speaks(counting, tmp_path):
    track = track_of(10, 90)
    track.boxes[30] = (100, 40, 180, 140)
    known = known_of(counting, [track], speaking=[(1, 60, 61)])

    assert picture(sheet_of(known, tmp_path / "a.png")).mean() == gray_of(40)


def test_a_detected_face_is_better_than_a_large_one_or_one_half_outside(counting, tmp_path):
    track = track_of(10, 90, seen=False)
    track.boxes[30] = (100, 40, 180, 140)
    track.has_detection[[50, 55]] = True
    track.boxes[50] -= 130  # frame 60, over the left edge, so frame 65 is left
    known = known_of(counting, [track])

    assert picture(sheet_of(known, tmp_path / "a.png")).mean() == gray_of(65)


def test_the_sharpest_of_good_faces_is_taken(tmp_path):
    """Stripes of high contrast from frame 40 to 45, of low contrast elsewhere."""
    lum = r"128+mod(floor(X/4)\,2)*(20+80*between(N\,40\,45))"
    ffmpeg("-f", "lavfi", "-i", f"color=black:s=320x180:r=25,geq=lum='{lum}':cb=128:cr=128",
           "-frames:v", "100", "-qp", "0", str(tmp_path / "a.mp4"))  # fmt: skip
    sheet = sheet_of(known_of(tmp_path / "a.mp4", [track_of(0, 100)]), tmp_path / "a.png")

    assert np.ptp(picture(sheet)) > 90


def test_the_picture_shows_what_is_around_the_face(tmp_path, make_clip):
    """The left half is red and the right blue; the one face lies left, the other right."""
    source = "color=red:s=160x180:r=25:d=1[l];color=blue:s=160x180:r=25:d=1[r];[l][r]hstack"
    tracks = [track_of(0, 25, box=(40, 50, 80, 100)), track_of(0, 25, id=2, box=(250, 50, 290, 99))]
    known = known_of(make_clip("halves.mp4", picture=source), tracks)
    sheet = sheet_of(known, tmp_path / "a.png")

    assert picture(sheet, 0)[:, :, 0].min() > 200
    assert picture(sheet, 1)[:, :, 2].min() > 200


def test_the_sheet_grows_by_rows_and_leaves_out_who_is_never_seen(counting, tmp_path):
    tracks = [track_of(10 * n, 10 * n + 5, id=n) for n in range(1, 6)]
    known = known_of(counting, tracks)
    unseen = replace(known.people[0], id=9, track_ids=(99,))
    known = replace(known, people=(*known.people[:4], unseen, known.people[4]),
                    speaks=np.zeros((6, 100), np.bool_))  # fmt: skip
    sheet = sheet_of(known, tmp_path / "a.png")

    height = 2 * (PORTRAIT + CAPTION + GAP) + GAP
    assert sheet.shape == (height, COLUMNS * (PORTRAIT + GAP) + GAP, 3)
    assert [round(picture(sheet, n).mean()) for n in range(6)] == [
        *(gray_of(10 * n) for n in range(1, 6)),
        round(np.mean(PAPER)),
    ]


def test_name_and_times_are_under_the_picture(counting, tmp_path):
    known = known_of(counting, [track_of(10, 90)], speaking=[(1, 60, 61)])
    named = replace(known, people=(replace(known.people[0], name="Jürgen"),))
    plain, with_name = (sheet_of(k, tmp_path / "a.png").astype(int) for k in (known, named))
    changed = np.flatnonzero(np.abs(plain - with_name).max(axis=(1, 2)))
    name_ends = GAP + PORTRAIT + 14 + NAME + NAME // 2

    assert GAP + PORTRAIT <= changed[0] < changed[-1] < name_ends
    assert plain[name_ends : name_ends + 2 * FACTS].min() < 150  # the facts are below


def test_pictures_outside_the_faces_are_not_asked_for(counting, tmp_path):
    told = []
    known = known_of(counting, [track_of(30, 40)])
    write_sheet(known, tmp_path / "a.png", on_progress=lambda *step: told.append(step))

    assert told == [(n, 10) for n in range(1, 11)]


def test_a_long_film_is_not_decoded_to_its_end(numbered_clip, tmp_path):
    """A frame a second, of which the first minute is enough."""
    told = []
    known = known_of(numbered_clip("slow.mp4", rate="1"), [track_of(10, 100)])
    write_sheet(known, tmp_path / "a.png", on_progress=lambda *step: told.append(step))

    assert told[-1] == (60, 60)


def test_a_name_that_cannot_be_drawn_gives_way_to_the_id_and_says_so(caplog):
    names = ("Jürgen", "Ange\u0301lique", "Ромашка", "中文", "Who?", "שלום", "🎬")
    people = [Person(n, (), name) for n, name in enumerate(names, 1)]
    _warn.cache_clear()
    with caplog.at_level(logging.WARNING):
        labels = drawable_labels(people)
        assert drawable_labels(people) == labels  # as for the overlay after the sheet

    assert list(labels.values()) == [
        "Jürgen", "Angélique", "Ромашка", "中文", "Who?", "Person 6", "Person 7",
    ]  # fmt: skip
    assert [r.args for r in caplog.records] == [(6, "שלום"), (7, "🎬")]


def test_an_umlaut_is_no_question_mark():
    drawn = np.zeros((2, 40, 90, 3), np.uint8)
    for canvas, words in zip(drawn, ("Jürgen", "J?rgen"), strict=True):
        draw_text(canvas, words, (4, 30), 20, (255, 255, 255))

    assert drawn[0].any()
    assert not np.array_equal(drawn[0], drawn[1])


def test_long_words_are_shortened_to_what_fits():
    assert shorten("Anna", 200, 20) == "Anna"
    short = shorten("Anna " * 20, 200, 20)
    assert short.startswith("Anna Anna")
    assert short.endswith("…")
    assert 185 < width_of(short, 20) <= 200


def test_without_faces_there_is_one_line_and_no_sheet(counting, tmp_path, capsys):
    known = known_of(counting, [])
    with pytest.raises(SpeakerZoomError, match="no face was found"):
        write_sheet(known, tmp_path / "a.png")
    source = keep(known, tmp_path / "work")
    code = main(["inspect", source, "--work", str(tmp_path / "work"), "--sheet",
                 str(tmp_path / "a.png")])  # fmt: skip

    assert code == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "a.png").exists()


def test_the_command_writes_the_sheet_and_loads_cv2_for_nothing_else(counting, tmp_path):
    source = keep(known_of(counting, [track_of(10, 90)]), tmp_path)
    script = (
        "import sys; from otio_speakerzoom.cli.main import main; code = main(sys.argv[1:]);"
        "sys.exit(code or 9 * ('cv2' in sys.modules))"
    )
    plain = ["inspect", source, "--work", str(tmp_path)]
    run = subprocess.run([sys.executable, "-c", script, *plain], capture_output=True, text=True)

    assert (run.returncode, run.stderr) == (0, "")
    assert "Person 1" in run.stdout

    out = tmp_path / "people.png"
    command = [sys.executable, "-m", "otio_speakerzoom", *plain, "--sheet", str(out)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (0, "")
    assert run.stderr.splitlines()[-1] == f"{out} written"
    assert out.stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--sheet", "people.jpg"], "must end in .png"),
        (["--overlay", "seen.gif"], "must end in .mp4"),
    ],
)
def test_wrong_suffixes_are_wrong_usage(arguments, says, capsys):
    with pytest.raises(SystemExit) as end:
        main(["inspect", "a.mp4", *arguments])

    assert end.value.code == 2
    assert says in capsys.readouterr().err
