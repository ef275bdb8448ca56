"""A pass that is interrupted anywhere goes on from its journals, to the same bits."""

import zlib
from contextlib import closing

import numpy as np
import pytest
from random_faces import CropMeans, find_faces, follow

from otio_speakerzoom import source, store
from otio_speakerzoom.faces import face_search
from otio_speakerzoom.faces.detect import FaceDetection
from otio_speakerzoom.model import Detections, FrameRange, no_progress
from otio_speakerzoom.pipeline import detection_log, one_pass
from otio_speakerzoom.pipeline.detection_log import DetectionLog
from otio_speakerzoom.pipeline.segment import SegmentTask, analyze_segment, split
from otio_speakerzoom.pipeline.segment_crops import SegmentCrops
from otio_speakerzoom.speech import batches
from otio_speakerzoom.speech.audio_analysis import compute_mfcc_of
from otio_speakerzoom.speech.scoring import SpeechScoring, mfcc_source
from otio_speakerzoom.weights.names import NO_TRACKER

PICTURE = (
    "testsrc2=s=320x180:r=25:d=7[a];smptebars=s=320x180:r=25:d=1[b];"
    "testsrc=s=320x180:r=25:d=4[c];rgbtestsrc=s=320x180:r=25:d=3[d];"
    "[c][d]xfade=duration=0.8:offset=3[e];[a][b][e]concat=3"
)
WITHIN = FrameRange(5, 340)


class InterruptionError(Exception):
    pass


@pytest.fixture(scope="module")
def media(make_clip):
    extra = ("-g", "30")
    return source.probe(
        make_clip("interrupted.mp4", rate="25", seconds=14, picture=PICTURE, extra=extra)
    )


@pytest.fixture(scope="module")
def mfcc(media):
    return mfcc_source(compute_mfcc_of(media, WITHIN, [source.FIRST_MICROPHONE]))


@pytest.fixture(autouse=True)
def small_records(monkeypatch):
    monkeypatch.setattr(batches, "BATCH_TICKS", 90)
    monkeypatch.setattr(detection_log, "RECORD_FRAMES", 20)


class Run:
    """One run over the film, with what it computed itself."""

    def __init__(self, media, mfcc, folder, tracker=NO_TRACKER, every=None, end=None):
        self.media, self.end = media, end
        self.detector_runs = self.encodings = 0
        self.detection = FaceDetection(
            media, self.find, within=WITHIN, every=every, tracker=tracker
        )
        scorer = CropMeans()
        encode, scorer.encode = scorer.encode, lambda clips: self.count(clips) or encode(clips)
        self.detection_journal = store.DetectionJournal(folder, "abc")
        self.batch_journal = store.BatchJournal(folder, "abc")
        self.log = DetectionLog(self.detection, self.detection_journal)
        self.scoring = SpeechScoring(scorer, media.rate, WITHIN, mfcc, batches=self.batch_journal)

    def find(self, frame):
        self.detector_runs += 1
        return find_faces(frame)

    def count(self, clips):
        self.encodings += len(clips)

    def progress(self, done, total):
        if self.end is not None and done >= self.end - WITHIN.start:
            raise InterruptionError

    def one_pass(self):
        faces = one_pass.detect_and_score(
            self.media, WITHIN, self.detection, self.scoring, self.progress, self.log
        )
        return faces, self.scoring.finish(faces.tracks, faces.keys, no_crop)

    def in_segments(self):
        start = self.detection_journal.end or WITHIN.start
        recipes = (CropMeans.recipe,)
        tasks = [
            SegmentTask(self.media, WITHIN, span, None, NO_TRACKER, recipes)
            for span in split(self.media, FrameRange(start, WITHIN.end), None, 2)
        ]
        results = (analyze_segment(task, self.find) for task in tasks)
        with closing(SegmentCrops(self.media, WITHIN, recipes)) as crops:
            faces = one_pass.join_segments(
                self.media, WITHIN, results, crops, self.detection, self.scoring, self.progress,
                self.log,
            )  # fmt: skip
            return faces, self.scoring.finish(faces.tracks, faces.keys, crops.crop)

    def close(self):
        self.detection_journal.close()
        self.batch_journal.close()


def no_crop(*_):
    raise AssertionError("all crops are cut")


def bits(result):
    """Return short digests of all numbers of a result."""
    faces, speech = result
    names = Detections.__slots__
    detections = {name: digest(getattr(faces.detections, name)) for name in names}
    tracks = [
        (key, track.id, track.start, digest(track.boxes, track.has_detection))
        for key, track in zip(faces.keys, faces.tracks, strict=True)
    ]
    scores = [(s.track_id, s.start, digest(s.logits)) for s in speech.scores]
    return detections, tracks, scores, speech.av_offset_s


def digest(*arrays):
    return zlib.crc32(b"".join(array.tobytes() for array in arrays))


def interrupt(media, mfcc, folder, end, way, **options):
    run = Run(media, mfcc, folder, end=end, **options)
    with pytest.raises(InterruptionError):
        way(run)
    run.close()


@pytest.fixture(scope="module")
def whole(media, mfcc, tmp_path_factory):
    run = Run(media, mfcc, tmp_path_factory.mktemp("whole"))
    bits_of_all = bits(run.one_pass())
    *hard, soft = run.detection.cuts
    assert (hard, 278 < soft < 292) == ([175, 200], True)  # a dissolve from 275 to 295
    return bits_of_all


@pytest.mark.parametrize("way", [Run.one_pass, Run.in_segments])
@pytest.mark.parametrize(
    "ends", [(5,), (40,), (181,), (182,), (338,), (282, 286, 296), (60, 140, 300)]
)
def test_an_interrupted_run_goes_on_to_the_same_bits(media, mfcc, whole, tmp_path, way, ends):
    for end in ends:
        interrupt(media, mfcc, tmp_path, end, way)
    run = Run(media, mfcc, tmp_path)
    start = run.detection_journal.end or WITHIN.start

    assert bits(way(run)) == whole
    assert start >= ends[-1] - 75  # a segment and a record, or what one pass prefetches
    if way is Run.one_pass:
        assert run.detector_runs == len(range(start, WITHIN.end, 2))
    run.close()


def test_a_finished_run_that_was_not_saved_encodes_nothing_again(media, mfcc, whole, tmp_path):
    run = Run(media, mfcc, tmp_path)
    run.one_pass()
    run.close()
    assert run.encodings > 10

    again = Run(media, mfcc, tmp_path)
    assert bits(again.one_pass()) == whole
    assert again.encodings == 0
    assert again.detector_runs < 40  # a record, and 2 s that might be a soft transition
    again.close()


@pytest.mark.parametrize("end", [100, 177, 179, 180, 200])
def test_faces_followed_by_a_visual_tracker_go_on_too(media, mfcc, tmp_path, monkeypatch, end):
    monkeypatch.setattr(face_search, "track_boxes", follow)
    options = {"tracker": "mil", "every": 5}
    run = Run(media, mfcc, tmp_path / "whole", **options)
    expected = bits(run.one_pass())
    interrupt(media, mfcc, tmp_path / "cut", end, Run.one_pass, **options)

    assert bits(Run(media, mfcc, tmp_path / "cut", **options).one_pass()) == expected


@pytest.mark.parametrize("size", [0.2, 0.5, 0.9])
def test_either_journal_may_have_lost_its_tail(media, mfcc, whole, tmp_path, size):
    for name in ("detections", "scores"):
        folder = tmp_path / name
        interrupt(media, mfcc, folder, 300, Run.one_pass)
        path = folder / "unfinished" / f"{name}.journal"
        path.write_bytes(path.read_bytes()[: int(size * path.stat().st_size)])

        assert bits(Run(media, mfcc, folder).one_pass()) == whole


def test_the_frames_before_an_interruption_are_not_decoded_again(
    media, mfcc, tmp_path, monkeypatch
):
    interrupt(media, mfcc, tmp_path, 300, Run.one_pass)
    spans, read = [], source.read_source_frames
    monkeypatch.setattr(
        source, "read_source_frames", lambda m, span: spans.append(span) or read(m, span)
    )
    Run(media, mfcc, tmp_path).one_pass()

    assert len(spans) == 1
    assert 200 < spans[0].start < 300
    assert spans[0].end == WITHIN.end


def test_no_journal_is_one_run_without_it(media, mfcc, whole):
    detection = FaceDetection(media, find_faces, within=WITHIN)
    scoring = SpeechScoring(CropMeans(), media.rate, WITHIN, mfcc)
    faces = one_pass.detect_and_score(media, WITHIN, detection, scoring, no_progress)
    result = faces, scoring.finish(faces.tracks, faces.keys, no_crop)

    assert bits(result) == whole
    assert np.diff(faces.detections.camera_cuts).all()
