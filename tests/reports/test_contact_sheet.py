"""The sheet shows everybody once, with their best face and a readable name."""

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


def summary_of(path, tracks, *, speaking=(), voiced=None, logit=2.0, cut_list=None):
    """Return the summary of a clip where track n is person n.

    `speaking` has (person, first frame, end); the score is `logit` then, and -`logit` otherwise.
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
    voiced = np.zeros(media.duration, np.float32) if voiced is None else voiced
    voice = VoiceActivity(0, voiced, (Microphone(0),))
    return AnalysisSummary(media, tuple(tracks), people, voice, Speech(scores), speaks, cut_list)


def track_of(start, end, *, id=1, box=BOX, detected=True):
    boxes = np.tile(np.array(box, np.float32), (end - start, 1))
    return FaceTrack(id, start, boxes, np.full(end - start, detected))


def store_summary(summary, work):
    """Store the summary in `work` as an analysis would, and return the source."""
    job = pipeline.Job(summary.media.path, work)
    _, media_digest = pipeline.open_source(job)
    store.save_media(job.folder, summary.media, media_digest)
    store.save_tracks(job.folder, summary.tracks, "tracks")
    store.save_people(job.folder, summary.people, digest("people", "tracks"))
    store.save_voice(job.folder, summary.voice, "voice")
    store.save_scores(job.folder, summary.speech, scores_digest("motion", "tracks", "voice"))
    return str(summary.media.path)


def sheet_of(summary, path):
    write_sheet(summary, path)
    with av.open(str(path)) as image:
        return next(image.decode(video=0)).to_ndarray(format="rgb24")


def portrait(sheet, n=0):
    """Return the `n`th person's portrait."""
    y = GAP + n // COLUMNS * (PORTRAIT + CAPTION + GAP)
    x = GAP + n % COLUMNS * (PORTRAIT + GAP)
    return sheet[y : y + PORTRAIT, x : x + PORTRAIT]


@pytest.fixture(scope="session")
def counting(numbered_clip):
    return numbered_clip("counting.mp4", size="320x180")


def gray_of(frame):
    """Return what the luma of the counting clip's frame becomes in RGB."""
    return pytest.approx(2 * frame * 255 / 219, abs=2)


def test_the_portrait_is_from_a_frame_in_which_the_person_speaks(counting, tmp_path):
    summary = summary_of(counting, [track_of(10, 90)], speaking=[(1, 60, 61)])

    assert portrait(sheet_of(summary, tmp_path / "a.png")).mean() == gray_of(60)


def test_a_large_face_is_preferred_to_a_speaking_one(counting, tmp_path):
    track = track_of(10, 90)
    track.boxes[30] = (100, 40, 180, 140)
    summary = summary_of(counting, [track], speaking=[(1, 60, 61)])

    assert portrait(sheet_of(summary, tmp_path / "a.png")).mean() == gray_of(40)


def test_a_detected_face_is_preferred_to_a_large_one_or_one_half_outside(counting, tmp_path):
    track = track_of(10, 90, detected=False)
    track.boxes[30] = (100, 40, 180, 140)
    track.has_detection[[50, 55]] = True
    track.boxes[50] -= 130  # frame 60, over the left edge, so frame 65 is left
    summary = summary_of(counting, [track])

    assert portrait(sheet_of(summary, tmp_path / "a.png")).mean() == gray_of(65)


def test_the_sharpest_of_the_good_faces_is_chosen(tmp_path):
    """Stripes of high contrast from frame 40 to 45, of low contrast elsewhere."""
    lum = r"128+mod(floor(X/4)\,2)*(20+80*between(N\,40\,45))"
    ffmpeg("-f", "lavfi", "-i", f"color=black:s=320x180:r=25,geq=lum='{lum}':cb=128:cr=128",
           "-frames:v", "100", "-qp", "0", str(tmp_path / "a.mp4"))  # fmt: skip
    sheet = sheet_of(summary_of(tmp_path / "a.mp4", [track_of(0, 100)]), tmp_path / "a.png")

    assert np.ptp(portrait(sheet)) > 90


def test_the_portrait_includes_the_surroundings_of_the_face(tmp_path, make_clip):
    """The left half is red and the right blue; the one face lies left, the other right."""
    source = "color=red:s=160x180:r=25:d=1[l];color=blue:s=160x180:r=25:d=1[r];[l][r]hstack"
    tracks = [track_of(0, 25, box=(40, 50, 80, 100)), track_of(0, 25, id=2, box=(250, 50, 290, 99))]
    summary = summary_of(make_clip("halves.mp4", picture=source), tracks)
    sheet = sheet_of(summary, tmp_path / "a.png")

    assert portrait(sheet, 0)[:, :, 0].min() > 200
    assert portrait(sheet, 1)[:, :, 2].min() > 200


def test_the_sheet_grows_by_rows_and_omits_whoever_is_never_visible(counting, tmp_path):
    tracks = [track_of(10 * n, 10 * n + 5, id=n) for n in range(1, 6)]
    summary = summary_of(counting, tracks)
    unseen = replace(summary.people[0], id=9, track_ids=(99,))
    summary = replace(summary, people=(*summary.people[:4], unseen, summary.people[4]),
                    speaks=np.zeros((6, 100), np.bool_))  # fmt: skip
    sheet = sheet_of(summary, tmp_path / "a.png")

    height = 2 * (PORTRAIT + CAPTION + GAP) + GAP
    assert sheet.shape == (height, COLUMNS * (PORTRAIT + GAP) + GAP, 3)
    assert [round(portrait(sheet, n).mean()) for n in range(6)] == [
        *(gray_of(10 * n) for n in range(1, 6)),
        round(np.mean(PAPER)),
    ]


def test_name_and_times_are_below_the_portrait(counting, tmp_path):
    summary = summary_of(counting, [track_of(10, 90)], speaking=[(1, 60, 61)])
    named = replace(summary, people=(replace(summary.people[0], name="Jürgen"),))
    plain, with_name = (sheet_of(k, tmp_path / "a.png").astype(int) for k in (summary, named))
    changed = np.flatnonzero(np.abs(plain - with_name).max(axis=(1, 2)))
    name_ends = GAP + PORTRAIT + 14 + NAME + NAME // 2

    assert GAP + PORTRAIT <= changed[0] < changed[-1] < name_ends
    assert plain[name_ends : name_ends + 2 * FACTS].min() < 150  # the facts are below


def test_only_frames_with_candidates_are_decoded(counting, tmp_path):
    steps = []
    summary = summary_of(counting, [track_of(30, 40)])
    write_sheet(summary, tmp_path / "a.png", on_progress=lambda *step: steps.append(step))

    assert steps == [(n, 10) for n in range(1, 11)]


def test_a_long_film_is_not_decoded_to_its_end(numbered_clip, tmp_path):
    """A frame a second, of which the first minute is enough."""
    steps = []
    summary = summary_of(numbered_clip("slow.mp4", rate="1"), [track_of(10, 100)])
    write_sheet(summary, tmp_path / "a.png", on_progress=lambda *step: steps.append(step))

    assert steps[-1] == (60, 60)


def test_a_name_that_cannot_be_drawn_is_replaced_by_the_id_with_a_warning(caplog):
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


def test_an_umlaut_is_not_drawn_as_a_question_mark():
    images = np.zeros((2, 40, 90, 3), np.uint8)
    for canvas, name in zip(images, ("Jürgen", "J?rgen"), strict=True):
        draw_text(canvas, name, (4, 30), 20, (255, 255, 255))

    assert images[0].any()
    assert not np.array_equal(images[0], images[1])


def test_long_text_is_shortened_to_fit():
    assert shorten("Anna", 200, 20) == "Anna"
    short = shorten("Anna " * 20, 200, 20)
    assert short.startswith("Anna Anna")
    assert short.endswith("…")
    assert 185 < width_of(short, 20) <= 200


def test_without_faces_there_is_a_one_line_error_and_no_sheet(counting, tmp_path, capsys):
    summary = summary_of(counting, [])
    with pytest.raises(SpeakerZoomError, match="no face was found"):
        write_sheet(summary, tmp_path / "a.png")
    source = store_summary(summary, tmp_path / "work")
    code = main(["inspect", source, "--work", str(tmp_path / "work"), "--sheet",
                 str(tmp_path / "a.png")])  # fmt: skip

    assert code == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "a.png").exists()


def test_the_command_writes_the_sheet_and_loads_cv2_only_for_it(counting, tmp_path):
    source = store_summary(summary_of(counting, [track_of(10, 90)]), tmp_path)
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
