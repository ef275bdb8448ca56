"""Every script of training/ runs from end to end, on a corpus of eight tracks of the sample."""

import csv
import re
import subprocess
import sys
from pathlib import Path

import corpus
import cut_tracks
import evaluate
import fit_leading_face
import fit_mouth_motion
import numpy as np
import pair_scorers
import pytest
import torch
import train
from conftest import REPOSITORY, SAMPLE, ffmpeg

from otio_speakerzoom.speech.networks.light_asd import LightAsd
from otio_speakerzoom.speech.networks.lr_asd import LrAsd

TRAINING = REPOSITORY / "training"
FACES = {"A": "crop=236:236:504:318", "B": "crop=312:312:1324:342"}
"""ffmpeg's filter for the faces of the sample."""
TRACKS = {
    # name: (person, seconds into the sample, face, split, licence, sync)
    "one": ("p1", 0.1, "A", "train", "MIT", "ok"),
    "two": ("p2", 4.2, "B", "train", "MIT", "ok"),
    "three": ("p3", 8.0, "A", "train", "none stated", "ok"),
    "four": ("p4", 14.0, "B", "train", "MIT", "ok"),
    "five": ("p5", 13.5, "B", "train", "none stated", "ok"),
    "six": ("p6", 0.6, "B", "train", "MIT", "not_speaking"),
    "seven": ("p7", 0.1, "A", "val", "MIT", "ok"),
    "eight": ("p8", 13.5, "B", "val", "MIT", "ok"),
}
SECONDS = 2.2


@pytest.fixture(scope="module")
def tiny_corpus(tmp_path_factory):
    """Eight tracks cut from the sample, as if of eight people."""
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "tracks").mkdir()
    outputs = []
    with (folder / "index.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("track", "person", "split", "licence", "frames", "sync"))
        for name, (person, start, face, split, licence, sync) in TRACKS.items():
            rows.writerow((name, person, split, licence, round(25 * SECONDS), sync))
            span, stem = ("-ss", str(start), "-t", str(SECONDS)), str(folder / "tracks" / name)
            crop = f"{FACES[face]},scale=192:192,format=gray"
            outputs += [*span, "-an", "-vf", crop, f"{stem}.mp4"]
            outputs += [*span, "-vn", "-ac", "1", "-c:a", "libopus", f"{stem}.opus"]
    ffmpeg("-i", str(SAMPLE), *outputs)  # in one go, because decoding the sample is what takes long
    return folder


@pytest.fixture(scope="module")
def teacher_weights(tmp_path_factory):
    """Generated weights under the names of the published ones."""
    folder = tmp_path_factory.mktemp("teachers")
    torch.manual_seed(0)
    torch.save(LrAsd().state_dict(), folder / "lr-asd_pretrain_AVA.model")
    torch.save(LightAsd().state_dict(), folder / "light-asd_pretrain_AVA_CVPR.model")
    return folder


@pytest.fixture
def run(monkeypatch, capsys):
    """Return a function that runs a script of training/ in this process and returns its output."""

    def run(script, *arguments):
        monkeypatch.setattr(sys, "argv", [script.__name__, *map(str, arguments)])
        script.main()
        return capsys.readouterr().out

    return run


@pytest.fixture
def run_alone():
    """Return a function that runs a script in a process of its own: it starts others itself."""

    def run(name, *arguments):
        command = [sys.executable, str(TRAINING / name), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="module")
def teachers(tiny_corpus, teacher_weights, tmp_path_factory):
    out = tmp_path_factory.mktemp("results") / "teachers.npz"
    with pytest.MonkeyPatch.context() as patch:
        arguments = ["--corpus", tiny_corpus, "--weights", teacher_weights, "--out", out]
        patch.setattr("sys.argv", ["corpus", *map(str, arguments)])
        corpus.main()
    return out


def test_the_teachers_leave_scores_and_features_for_every_track(tiny_corpus, teachers):
    tracks = corpus.read_tracks([tiny_corpus], teachers, "train")

    assert [track.name for track in tracks] == ["one", "two", "four", "five", "six"]
    for track in tracks:
        count = len(track.frames)
        assert track.frames.shape == (count, 192, 192)
        assert track.visual_features.shape == track.audio_features.shape == (count, 256)
        assert track.talking.shape == (count,)
        assert track.voice.max() > 0.5  # Silero hears the voice of the sample


def test_nobody_is_both_trained_on_and_evaluated(tiny_corpus):
    splits = corpus.split_rows([tiny_corpus])

    assert {row["track"] for row in splits["strangers"]} == {"three"}
    people = [{row["person"] for row in rows} for rows in splits.values()]
    assert sum(map(len, people)) == len(set.union(*people)) == 8


def test_training_writes_a_member_that_can_be_trained_further_and_joined(
    tiny_corpus, teachers, tmp_path, run, run_alone
):
    source = ["--corpus", tiny_corpus, "--teachers", teachers]
    printed = run_alone("train.py", *source, "--steps", 1, "--out", tmp_path / "member.npz")

    member = tmp_path / "member-1.npz"
    assert '"AP": ' in printed
    assert isinstance(train.load(member), train.Member)
    run(train, "--join", member, member, "--out", tmp_path / "both.npz")
    figures = run(evaluate, *source, "--own", tmp_path / "both.npz", "--cue", "sync-asd", "motion")
    assert figures.startswith("val: 2 tracks, 2 people, 0.1 minutes")
    assert "with 0.5 of the cue" in figures
    assert "motion: calibration" in figures


def test_training_with_scenes_made_on_the_device_ends_in_time_with_weights(
    tiny_corpus, teachers, tmp_path, run
):
    options = ["--scenes-on-device", "--plans", 4, "--batch", 1, "--minutes", 1e-6]

    printed = run(
        train, "--corpus", tiny_corpus, "--teachers", teachers, *options,
        "--out", tmp_path / "member.npz",
    )  # fmt: skip

    assert '"AP": ' in printed
    assert isinstance(train.load(tmp_path / "member-1.npz"), train.Member)


def test_training_needs_a_corpus(run, tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        run(train, "--out", tmp_path / "member.npz")

    assert "training needs --corpus and --teachers" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:invalid value")
def test_the_coefficients_of_mouth_motion_are_fitted_and_reported(tiny_corpus, run):
    printed = run(fit_mouth_motion, "--corpus", tiny_corpus)

    assert printed.startswith("fitted on 6 tracks of 6 people")
    assert "val: 2 tracks of 2 people" in printed
    values = [line.split(":")[1].strip(" ,") for line in printed.splitlines() if '": ' in line]
    assert len(values) == len(fit_mouth_motion.COEFFICIENTS)
    assert np.isfinite([float(value) for value in values]).all()


def test_a_corpus_in_which_nobody_talks_is_an_error_of_one_line(tiny_corpus, run, capsys):
    with pytest.raises(SystemExit, match="2"):  # few of its faces are taken for real
        run(fit_leading_face, "--corpus", tiny_corpus, "--scorers", "sync-asd")

    last = capsys.readouterr().err.splitlines()[-1]
    assert re.search(rf"fewer than two (train|val) people talk in {tiny_corpus}$", last)


def test_how_far_a_leading_face_is_believed_is_observed_fitted_and_reported(capsys):
    """Faces and audio are numbers, and a scorer that likes equal ones but is lower for face 0."""
    ticks, rng = 100, np.random.default_rng(0)

    def score(face, audio):
        fits = 1.5 if face[0] == audio[0, 0] else -3.0
        return torch.tensor(fits - 1.5 * (face[0] == 0) + rng.normal(size=len(face)))

    scorer = pair_scorers.PairScorer(np.array, torch.tensor, score, lambda face, n: face[:n])
    voiced, cast = np.ones(ticks, np.float32), fit_leading_face.Cast([], [])
    for number in range(5):
        face = fit_leading_face.Face(f"p{number}", {"sync-asd": np.full(ticks, number)}, ticks)
        audio = {"sync-asd": torch.full((1, ticks), number)}
        cast.talkers.append((face, fit_leading_face.Voice(face.person, audio, voiced)))
    windows = fit_leading_face.join([
        fit_leading_face.observe(cast, "sync-asd", scorer, rng) for _ in range(20)
    ])  # fmt: skip
    lone, several = fit_leading_face.fit(windows)
    fit_leading_face.report(windows, lone, several, 0.1)

    assert windows.on_screen.mean() == pytest.approx(0.5)
    assert windows.right[windows.on_screen].mean() > 0.9
    assert not windows.right[~windows.on_screen].any()
    assert lone[0] > 0  # a higher score makes it likelier that the face speaks
    assert "several, voice off screen: leader believed" in capsys.readouterr().out


def test_a_higher_score_and_a_larger_lead_make_a_face_more_likely_to_speak():
    rng = np.random.default_rng(0)
    right = rng.random(4000) < 0.5
    highest = np.where(right, 1.5, -1.5) + 2 * rng.normal(size=4000)
    lead = np.where(right, 2.0, 1.0) + rng.normal(size=4000)
    lead[:2000] = np.nan
    windows = fit_leading_face.Windows(highest, lead, right, right)
    lone, several = fit_leading_face.fit(windows)

    # the log likelihood ratio of two normal distributions: the difference of the means by variance
    assert lone == pytest.approx([3 / 4, 0], abs=0.1)
    assert several[:2] == pytest.approx([3 / 4, 1], abs=0.2)


def test_tracks_of_a_film_are_cut_as_a_corpus_has_them(run, tmp_path):
    film = tmp_path / "a.talk.mp4"
    ffmpeg("-i", str(SAMPLE), "-t", "4", "-c", "copy", str(film))
    films = tmp_path / "films.csv"
    films.write_text(
        "file,repo,path,commit,licence\nno.mp4,somewhere/films,no.mp4,0a1b,MIT\n"
        "a.talk.mp4,somewhere/films,a.talk.mp4,0a1b,MIT\n"
    )
    (tmp_path / "no.mp4").write_text("no film")

    said = run(cut_tracks, "--films", films, "--out", tmp_path / "corpus")

    rows = corpus.read_index(tmp_path / "corpus")
    assert [row["licence"] for row in rows] == ["MIT", "MIT"]
    assert len({row["person"] for row in rows}) == 2
    assert re.match(r"left out: .*no\.mp4.*\n2 tracks, 2 people, 0\.1 minutes", said)
    for row in rows:
        frames, pcm = corpus.decode(Path(row["stem"]))
        assert frames.shape == (int(row["frames"]), 192, 192)
        assert len(pcm) == 640 * len(frames)
        assert int(row["frames"]) > 90


def test_a_track_shows_the_box_of_its_face_where_the_corpus_has_it():
    luma = np.zeros((400, 600), np.uint8)
    luma[100:200, 250:350] = 255

    frame = cut_tracks.cut_frame(luma, np.array([250, 100, 350, 200], np.float32))

    left, top, right, bottom = corpus.FACE.round().astype(int)
    inside = np.zeros((192, 192), bool)
    inside[top:bottom, left:right] = True
    assert frame[inside].mean() > 250
    assert frame[~inside].mean() < 3


def test_tracks_that_resemble_a_face_of_another_corpus_are_left_out():
    row, alike, other = ({"embedding": e} for e in ([1.0, 0.0], [0.9, 0.436], [0.0, 1.0]))

    assert cut_tracks.stay_apart([row, other], [alike]) == [other]
    assert cut_tracks.stay_apart([row], [other]) == [row]
