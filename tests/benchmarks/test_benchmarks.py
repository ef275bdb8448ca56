"""Every script of benchmarks/ runs from end to end, on four seconds of the sample."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing, contextmanager
from fractions import Fraction
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import costs
import cut_quality
import faces
import films
import identity
import numpy as np
import peers
import pipeline
import pytest
import render
import same_outputs
import scoring
import speaker_scores
import watch
from conftest import SAMPLE, ffmpeg

from otio_speakerzoom import source
from otio_speakerzoom.faces.detect import detect_faces, read_search_frames
from otio_speakerzoom.faces.detectors import choose
from otio_speakerzoom.model import FaceTrack, Media, Person

SIZE = (480, 270)
"""Of the clip: a quarter of the sample's."""
SPAN_S = (2.0, 6.0)
"""Of the sample: A speaks until 3.99, B from 4.40."""
NEEDS_PROC = pytest.mark.skipif(
    not Path("/proc/self/io").exists(), reason="only Linux tells what a process uses"
)


@pytest.fixture(scope="module")
def labels(tmp_path_factory):
    """Return the labels of a small clip of the sample, beside the clip."""
    folder = tmp_path_factory.mktemp("labelled")
    start, end = SPAN_S
    cut = ("-ss", str(start), "-t", str(end - start), "-i", str(SAMPLE))
    ffmpeg(*cut, "-vf", f"scale={SIZE[0]}:{SIZE[1]}", str(folder / "clip.mp4"))
    sample = json.loads(SAMPLE.with_suffix(".json").read_text())
    path = folder / "clip.json"
    path.write_text(json.dumps({
        "file": "clip.mp4",
        "people": sample["people"],
        "faces": [
            {**face, "to_s": end - start, "box": [side / 4 for side in face["box"]]}
            for face in sample["faces"]
        ],
        "speech": [
            {**turn, "from_s": turn["from_s"] - start, "to_s": turn["to_s"] - start}
            for turn in sample["speech"]
        ],
        "cuts_s": [],
    }))  # fmt: skip
    return path


@pytest.fixture
def detector(labels, monkeypatch):
    """Let every detector find the labelled faces, whatever is installed."""
    boxes = np.array([face["box"] for face in json.loads(labels.read_text())["faces"]], np.float32)

    @contextmanager
    def choose_detector(*_, **__):
        yield lambda frame: (boxes * frame.shape[1] / SIZE[0], np.ones(len(boxes), np.float32))

    monkeypatch.setattr(choose, "choose_detector", choose_detector)
    return partial(choose_detector, "labels")


@pytest.fixture
def run(monkeypatch, capsys):
    """Return a function that runs a script and returns the cells of each line of its tables."""

    def run(script, *arguments):
        monkeypatch.setattr(sys, "argv", [script.__name__, *map(str, arguments)])
        script.main()
        lines = capsys.readouterr().out.splitlines()
        return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if "|" in line]

    return run


def test_faces_are_compared_with_the_labels(labels, detector, monkeypatch, run):
    monkeypatch.setitem(faces.DETECTORS, "blazeface", detector)

    header, _, row = run(faces, labels)

    cells = dict(zip(header, row, strict=True))
    assert cells["recall, detected frames"] == cells["recall, all frames"] == "1.000"
    assert (cells["false"], cells["switches"]) == ("0.000", "0")
    assert (cells["people"], cells["split"], cells["mixed"]) == ("2 / 2", "0", "0")


def test_numbers_are_compared_with_the_labelled_people(labels, detector, run, tmp_path):
    header, _, row, together = run(identity, "--work", tmp_path, labels)

    cells = dict(zip(header, row, strict=True))
    assert (cells["people"], cells["numbers"], cells["a person"]) == ("2", "2", "1.00")
    assert (cells["mixed"], cells["gluing"], cells["nobody"]) == ("0", "0", "0")
    assert together[1:] == row[1:]


def test_a_number_and_a_track_on_two_people_are_reported(labels):
    boxes = {face["person"]: face["box"] for face in json.loads(labels.read_text())["faces"]}
    one, other = (np.tile(np.float32(box), (50, 1)) for box in boxes.values())
    tracks = [
        FaceTrack(1, 0, np.concatenate([one, other]), np.ones(100, bool)),
        FaceTrack(2, 0, other, np.ones(50, bool)),
        FaceTrack(3, 50, one, np.ones(50, bool)),
        FaceTrack(4, 0, one + 500, np.ones(50, bool)),
    ]
    people = [Person(1, (1,)), Person(2, (2, 3)), Person(3, (4,))]
    media = Media(Path("/clip.mp4"), Fraction(25), 100, SIZE)
    analysis = SimpleNamespace(media=media, tracks=tracks, people=people)

    result = identity.compare(json.loads(labels.read_text()), analysis)

    assert result.mixed == {1: set(boxes), 2: set(boxes)}
    assert result.gluing == {1: set(boxes)}
    assert result.numbers_of == {person: {1, 2} for person in boxes}
    assert result.nobody == [3]


def test_boxes_that_are_nobodys_count_as_false(labels, monkeypatch, run):
    corner = np.array([[0, 0, 20, 20]], np.float32)

    @contextmanager
    def wrong():
        yield lambda _: (corner, np.ones(1, np.float32))

    monkeypatch.setitem(faces.DETECTORS, "blazeface", wrong)
    header, _, row = run(faces, labels)

    cells = dict(zip(header, row, strict=True))
    assert (cells["recall, detected frames"], cells["false"]) == ("0.000", "1.000")


def test_scores_are_compared_with_the_labels(labels, detector, run, tmp_path):
    work = ["--work", tmp_path]
    header, _, row, together, *heard = run(
        speaker_scores, "--scorer", "motion", *work, labels
    )  # fmt: skip

    cells = dict(zip(header[:3], row[:3], strict=True))
    assert cells["clip"] == "clip"
    assert 0 < float(cells["average precision"]) <= 1
    assert cells["face frames"] == "200"  # two faces in a hundred frames
    assert together[1:] == row[1:]
    assert [cells[0] for cells in heard[2:]] == list(speaker_scores.VOICES)
    assert sum(int(cells[2]) for cells in heard[2:]) == 200


def test_cuts_are_compared_with_the_plain_rule(labels, detector, run, tmp_path):
    header, _, ours, plain = run(
        cut_quality, "--scorer", "motion", "--work", tmp_path, labels
    )  # fmt: skip

    assert header[:3] == ["clip", "one speaks, s", "cut"]
    assert [row[2] for row in (ours, plain)] == ["ours", "plain rule"]
    assert ours[1] == plain[1] == "3.6"
    shortest = header.index("shortest, s")
    assert float(ours[shortest]) >= 2


def test_the_time_and_memory_of_a_network_are_measured(monkeypatch, run):
    network = {"sync-asd": scoring.NETWORKS["sync-asd"]}
    monkeypatch.setattr(scoring, "NETWORKS", network)
    monkeypatch.setattr(scoring, "REPEATS", 1)
    monkeypatch.setattr(scoring, "matmul_rate", lambda _: 1e11)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)

    header, _, row = run(scoring)

    cells = dict(zip(header, row, strict=True))
    assert cells["network"] == "sync-asd"
    assert cells["parameters"] == "1,107,238"
    assert float(cells["plain, ms"]) > 0


def test_memory_is_that_of_three_faces_scored_from_end_to_end(tmp_path):
    scorer = scoring.NETWORKS["sync-asd"][1](scoring.generated_weights("sync-asd", tmp_path))

    scoring.score_three_faces(scorer, 50, cut_every=1)


@pytest.fixture
def in_this_process(monkeypatch):
    """Measure in the tests' own process, where the detector is replaced."""
    for script in (pipeline, peers):
        monkeypatch.setattr(script, "in_new_process", lambda call, *arguments: call(*arguments))


@pytest.mark.usefixtures("in_this_process", "detector")
def test_an_analysis_is_measured_beside_its_stages_decoding_and_transcoding(labels, run):
    clip = labels.with_name("clip.mp4")
    options = ("--scorer", "motion", "--size", "240x136", "--seconds", "2", "--stages")

    lines = run(pipeline, clip, *options)

    row = dict(zip(lines[0], lines[2], strict=True))
    assert row["film"] == "clip, 240x136 at 25, 2 s"
    assert (row["scorer"], row["faces, tracks"]) == ("motion", "2.0, 2")
    steps = {
        line[0]: dict(zip(lines[3], line, strict=True)) for line in lines[5:] if len(line) == 9
    }
    apart = ["start", "probe", "detect", "track", "group", "voice", "score", "cut"]
    alone = [*pipeline.FLOORS, pipeline.DETECTOR, pipeline.NETWORK]
    assert list(steps)[: len(alone)] == alone
    assert [name for name in steps if name in apart] == apart
    assert steps[pipeline.DECODE]["CPU / decode"] == "1.00"
    decodes = {name: cells["decodes a frame"] for name, cells in steps.items()}
    assert [decodes[name] for name in ("transcode", "detect", "voice")] == ["1.0", "1.0", "0.0"]
    frames = 50 * 240 * 136  # one gray
    searched = 3 * (50 * 256 * 145 + frames // 2)  # small pictures, and half of the frames
    assert steps["detect"]["arrays, MB"] == f"{searched / 1e6:.0f}"
    assert steps["score"]["arrays, MB"] == f"{frames / 1e6:.0f}"
    data = dict(zip(lines[-3], lines[-1], strict=True))
    assert data["film"] == row["film"]
    assert float(data["peak, MB"]) > 50
    assert float(data["store, MB an hour"]) > 0
    assert data["temporary files, MB"] == "0.0"


@NEEDS_PROC
def test_what_a_process_uses_is_seen_while_it_works(tmp_path):
    # in a process of its own: what earlier tests used at most would hide the child's memory
    watching, before = costs.in_new_process(watch_work, tmp_path)

    assert watching["temporary_bytes"] == 3_000_000
    assert watching["store_bytes"] == 3_000_000
    assert watching["thread_cpu_s"]["busy"] > 0.1
    assert watching["_tree_bytes"] > before + 200_000_000
    assert watching["peak_mb"] >= watching["_tree_bytes"] / 1e6


def watch_work(folder):
    """Use memory, files and CPU time; return what was seen of it, and the memory before."""
    temporary, store = folder / "temporary", folder / "store"
    temporary.mkdir()
    store.mkdir()
    watch.PERIOD_S = 0.02
    with watch.Watch(temporary, store) as watching, tempfile.TemporaryFile(dir=folder) as unnamed:
        before = watch._resident_bytes(os.getpid())
        unnamed.write(bytes(1_000_000))
        unnamed.flush()
        (temporary / "frames").write_bytes(bytes(2_000_000))
        (store / "part").mkdir()
        (store / "part" / "journal").write_bytes(bytes(3_000_000))
        busy = threading.Thread(target=use_cpu, args=(0.5,), name="busy-7")
        child = subprocess.Popen([sys.executable, "-c", HOLD_300_MB])
        busy.start()
        busy.join()
        assert child.wait() == 0
        (temporary / "frames").unlink()
    names = ("temporary_bytes", "store_bytes", "thread_cpu_s", "_tree_bytes", "peak_mb")
    return {name: getattr(watching, name) for name in names}, before


@NEEDS_PROC
def test_what_a_call_reads_is_counted(tmp_path):
    path = tmp_path / "data"
    path.write_bytes(bytes(5_000_000))

    _, cost = costs.Meter().measure(lambda: [path.read_bytes() for _ in range(2)])

    assert 10_000_000 <= cost.read_bytes < 11_000_000


def test_what_a_call_converts_is_counted_once(labels):
    media = source.probe(labels.with_name("clip.mp4"))

    def call():
        with closing(source.read_source_frames(media)) as frames:
            frame = next(frames)
            for _ in range(2):
                frame.rgb((48, 28))
                frame.rgb_fast((24, 14))
                frame.luma()
                frame.luma_within((-10, 20, 30, 60))

    _, cost = costs.Meter().measure(call)

    assert cost.array_bytes == 3 * 48 * 28 + 3 * 24 * 14 + SIZE[0] * SIZE[1] + 30 * 40


HOLD_300_MB = "import time; data = b'1' * 300_000_000; time.sleep(0.5)"


def use_cpu(seconds):
    start = time.thread_time()
    while time.thread_time() < start + seconds:
        pass


@pytest.mark.parametrize(
    ("film", "size", "seconds"),
    [
        (films.Film(), SIZE, 4),
        (films.Film(seconds=11), SIZE, 12),  # three times the clip
        (films.Film(size=(240, 136), seconds=1.2), (240, 136), 1.2),
        (films.Film(faces=3, seconds=1), SIZE, 1),
        (films.Film(cut_every_s=1, seconds=4), SIZE, 4),
        (films.Film(bit_rate="200k", seconds=1), SIZE, 1),
    ],
)
def test_a_film_is_as_long_and_large_as_requested(labels, tmp_path, film, size, seconds):
    path = films.make_film(labels.with_name("clip.mp4"), film, tmp_path)

    media = source.probe(path)
    assert media.size == size
    assert media.duration == round(seconds * 25)
    assert not media.variable_rate
    assert media.first_audio is not None


@pytest.mark.parametrize("faces", [None, 5])
def test_a_film_has_camera_cuts_as_often_as_requested(labels, detector, tmp_path, faces):
    film = films.Film(faces=faces, cut_every_s=1, seconds=4)
    media = source.probe(films.make_film(labels.with_name("clip.mp4"), film, tmp_path))

    with detector() as nobody:
        detections = detect_faces(read_search_frames(media), media, nobody)

    assert detections.camera_cuts.tolist() == [25, 50, 75]


def test_a_film_is_compared_with_plain_transcodes(labels, run):
    clip = labels.with_name("clip.mp4")
    header, _, *rows = run(render, clip, "--seconds", 4, "--repeats", 1)
    names = [row[0] for row in rows]
    assert names == [
        "film", "plain", "plain, same bit rate", "ffmpeg", "decode", "decode, crop, scale"
    ]  # fmt: skip
    assert float(rows[0][4]) == float(rows[0][5]) == 1
    film, same_rate = float(rows[0][3]), float(rows[2][3])
    assert 1 / 3 < same_rate / film < 3  # x264 needs more than four seconds to meet a bit rate
    assert len(header) == len(rows[0])


@pytest.mark.usefixtures("in_this_process", "detector")
def test_our_way_is_measured_beside_that_of_the_demo(labels, run):
    header, _, *rows = run(peers, "--scorer", "motion", labels.with_name("clip.mp4"))

    table = {row[0]: dict(zip(header, row, strict=True)) for row in rows}
    assert list(table)[:3] == [peers.OURS, "film and audio", "JPEG of each frame"]
    assert list(table)[-2:] == ["six passes", peers.DEMO]
    assert table[peers.OURS]["wall / ours"] == "1.00"
    assert float(table[peers.DEMO]["wall, s"]) > float(table["detect"]["wall, s"]) > 0


@pytest.mark.parametrize("box", [(60, 40, 100, 100), (-20, -10, 40, 60)])
def test_the_demo_cuts_a_square_around_the_face_also_at_the_edge(box):
    frame = np.full((120, 200, 3), 200, np.uint8)

    image = peers.face_image(frame, np.float32(box))

    assert image.shape == (224, 224, 3)
    assert (image[112, 112] == 200).all()
    assert (image[0, 0] == (200 if min(box) > 0 else peers.BORDER)).all()


@pytest.fixture
def two_runs(tmp_path):
    for name, text in (("before", "caution"), ("after", "penalty")):
        folder = tmp_path / name / "clip"
        folder.mkdir(parents=True)
        (folder / "cut.otio").write_text(text)
        (folder / "00 cut.stderr.log").write_text(name)  # is not compared
        (folder / "film.mp4").write_bytes(b"film")
    return tmp_path


def test_outputs_that_differ_are_listed(two_runs, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["same_outputs", ".", ".", str(two_runs), str(SAMPLE)])

    assert same_outputs.main() == 1
    assert capsys.readouterr().out == "differs: clip/cut.otio\n2 files, 1 differ\n"


def test_names_can_be_unified_before_outputs_are_compared(two_runs, monkeypatch, capsys):
    names = two_runs / "names.sed"
    names.write_text("s/caution/penalty/\n")
    arguments = ["--names", str(names), ".", ".", str(two_runs), str(SAMPLE)]
    monkeypatch.setattr(sys, "argv", ["same_outputs", *arguments])

    assert same_outputs.main() == 0
    assert capsys.readouterr().out == "2 files, 0 differ\n"


def test_every_verb_that_writes_something_is_compared(tmp_path):
    (tmp_path / "work").mkdir()
    verbs = {command[0] for command in same_outputs.commands(SAMPLE, tmp_path)}

    assert verbs == {"cut", "export", "check", "inspect", "render", "import", "calibrate"}
