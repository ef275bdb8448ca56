"""One pass over a source, and its segments side by side, give what the stages give one by one."""

from contextlib import closing

import numpy as np
import pytest
from random_faces import CUTS, CropMeans, find_faces, follow

from otio_speakerzoom import source
from otio_speakerzoom.faces import face_search
from otio_speakerzoom.faces.detect import (
    FaceDetection,
    detect_faces,
    detector_size,
    read_search_frames,
)
from otio_speakerzoom.faces.embed import embed_tracks
from otio_speakerzoom.faces.face_samples import FaceSamples
from otio_speakerzoom.faces.panel_search import PanelSearch, find_panels
from otio_speakerzoom.faces.track import track_faces
from otio_speakerzoom.model import FrameRange, no_progress
from otio_speakerzoom.pipeline.one_pass import detect_and_score, join_segments
from otio_speakerzoom.pipeline.segment import SegmentTask, analyze_segment, split
from otio_speakerzoom.pipeline.segment_crops import SegmentCrops
from otio_speakerzoom.speech import batches
from otio_speakerzoom.speech.audio_analysis import compute_mfcc_of
from otio_speakerzoom.speech.crops import crop_face
from otio_speakerzoom.speech.scoring import SpeechScoring, mfcc_source, score_speech
from otio_speakerzoom.weights.names import NO_TRACKER


@pytest.fixture(scope="module")
def film(make_clip):
    def make(rate, *, cuts=True):
        name = f"faces_{rate.replace('/', '_')}{'_cuts' if cuts else ''}.mp4"
        picture = CUTS.format(rate=rate) if cuts else None
        return source.probe(
            make_clip(name, rate=rate, seconds=8, picture=picture, extra=("-g", "30"))
        )

    return make


def mfcc_of(media, within):
    return compute_mfcc_of(media, within, [source.FIRST_MICROPHONE])


def apart(media, within, *, every=None, tracker=NO_TRACKER):
    """Return the results of the stages, each over the whole film."""
    with closing(read_search_frames(media, within)) as frames:
        detections = detect_faces(
            frames, media, find_faces, within=within, every=every, tracker=tracker
        )
    tracks = track_faces(detections, media.rate, within)
    with closing(source.read_frames(media, gray=True, within=within)) as frames:
        speech = score_speech(
            frames, mfcc_of(media, within), tracks, CropMeans(), media.rate, within,
            voice=voice_of(within),
        )  # fmt: skip
    return detections, tracks, speech


def voice_of(within):
    return np.linspace(0, 1, within.duration).astype(np.float32)


def in_one_pass(media, within, *, every=None, tracker=NO_TRACKER):
    detection = FaceDetection(media, find_faces, within=within, every=every, tracker=tracker)
    scoring = SpeechScoring(CropMeans(), media.rate, within, mfcc_source(mfcc_of(media, within)))
    faces = detect_and_score(media, within, detection, scoring, no_progress)
    speech = scoring.finish(faces.tracks, faces.keys, no_crop, voice_of(within))
    return faces.detections, faces.tracks, speech


def no_crop(*_):
    raise AssertionError("all crops are cut")


def assert_equal(one, other):
    (detections, tracks, speech), (other_detections, other_tracks, other_speech) = one, other
    for name in ("frames", "boxes", "confidences", "detected_frames", "camera_cuts"):
        assert np.array_equal(getattr(detections, name), getattr(other_detections, name)), name
    assert len(tracks) == len(other_tracks) > 0
    for track, other_track in zip(tracks, other_tracks, strict=True):
        assert (track.id, track.start) == (other_track.id, other_track.start)
        assert np.array_equal(track.boxes, other_track.boxes)
        assert np.array_equal(track.has_detection, other_track.has_detection)
    for scores, other_scores in zip(speech.scores, other_speech.scores, strict=True):
        assert (scores.track_id, scores.start) == (other_scores.track_id, other_scores.start)
        assert scores.logits == pytest.approx(other_scores.logits, abs=1e-5)
    assert speech.av_offset_s == other_speech.av_offset_s


@pytest.mark.parametrize("rate", ["24000/1001", "25", "30000/1001", "50", "60"])
def test_one_pass_gives_what_the_stages_give_apart(film, rate):
    media = film(rate)
    expected = apart(media, media.range)

    assert len(expected[0].camera_cuts) == 2
    assert_equal(in_one_pass(media, media.range), expected)


@pytest.mark.parametrize(
    ("every", "tracker", "end"), [(1, NO_TRACKER, 120), (5, NO_TRACKER, 120), (6, "mil", 35)]
)
def test_one_pass_detects_as_often_as_requested(film, every, tracker, end):
    media = film("25")
    within = FrameRange(10, end)

    one_pass = in_one_pass(media, within, every=every, tracker=tracker)

    assert_equal(one_pass, apart(media, within, every=every, tracker=tracker))


def test_an_error_while_scoring_ends_the_pass(film, monkeypatch):
    monkeypatch.setattr(batches, "BATCH_TICKS", 100)
    media = film("25", cuts=False)
    detection = FaceDetection(media, find_faces)

    def no_audio(start, ticks):
        raise RuntimeError("the audio cannot be read")

    scoring = SpeechScoring(CropMeans(), media.rate, media.range, no_audio)
    with pytest.raises(RuntimeError, match="the audio cannot be read"):
        detect_and_score(media, media.range, detection, scoring, no_progress)


# --- segments -------------------------------------------------------------------------------------


def in_segments(media, within, seconds, *, every=None, tracker=NO_TRACKER):
    recipes = (CropMeans.recipe,)
    spans = split(media, within, every, seconds)
    tasks = [SegmentTask(media, within, span, every, tracker, recipes) for span in spans]
    results = (analyze_segment(task, find_faces) for task in tasks)
    detection = FaceDetection(media, find_faces, within=within, every=every, tracker=tracker)
    scoring = SpeechScoring(CropMeans(), media.rate, within, mfcc_source(mfcc_of(media, within)))
    with closing(SegmentCrops(media, within, recipes)) as crops:
        faces = join_segments(media, within, results, crops, detection, scoring, no_progress)
        speech = scoring.finish(faces.tracks, faces.keys, crops.crop, voice_of(within))
    return (faces.detections, faces.tracks, speech), crops.reads


@pytest.mark.parametrize("rate", ["24000/1001", "25", "60"])
def test_segments_give_what_one_pass_gives(film, rate):
    media = film(rate)
    within = FrameRange(7, media.duration - 3)
    joined, reads = in_segments(media, within, 2)

    assert_equal(joined, in_one_pass(media, within))
    ticks = sum(len(track.boxes) for track in joined[1]) * 25 / media.rate
    assert reads < 0.3 * ticks  # most crops are foreseen, though faces come and go


def test_a_segment_that_sees_all_of_a_film_foresees_every_crop(film):
    media = film("25")

    _, reads = in_segments(media, media.range, 100)

    assert reads == 0


def test_segments_of_another_detection_rate_and_tracker_give_what_one_pass_gives(film, monkeypatch):
    monkeypatch.setattr(face_search, "track_boxes", follow)
    media, within = film("25"), FrameRange(10, 110)
    assert len(split(media, within, 6, 1)) > 1
    joined, _ = in_segments(media, within, 1, every=6, tracker="mil")

    assert_equal(joined, in_one_pass(media, within, every=6, tracker="mil"))


def test_crops_that_no_segment_foresaw_are_read_from_the_source(film):
    media = film("25", cuts=False)
    with closing(SegmentCrops(media, media.range, (CropMeans.recipe,))) as crops:
        box = np.array([40, 40, 80, 90], np.float32)
        found = [crops.crop(n, box, CropMeans.recipe) for n in (5, 6, 150, 20)]
    with closing(source.read_frames(media, gray=True)) as frames:
        lumas = {n: frame for n, frame in frames if n in (5, 6, 150, 20)}
    expected = [crop_face(lumas[n], box, CropMeans.recipe) for n in (5, 6, 150, 20)]
    assert all(map(np.array_equal, found, expected))
    assert crops.reads == 4


def test_faces_are_embedded_in_the_pass_as_apart(film):
    media = film("25")

    def embedder(face):
        return face.astype(np.float32).mean(axis=(0, 1)) - 128

    detection = FaceDetection(media, find_faces)
    scoring = SpeechScoring(
        CropMeans(), media.rate, media.range, mfcc_source(mfcc_of(media, media.range))
    )
    samples = FaceSamples(media, embedder)
    faces = detect_and_score(media, media.range, detection, scoring, no_progress, samples=samples)
    with closing(source.read_frames(media, size=detector_size(media))) as frames:
        expected = embed_tracks(frames, media, faces.tracks, embedder)

    assert np.array_equal(faces.looks.embeddings, expected.embeddings)
    assert np.array_equal(faces.looks.sides, expected.sides)
    assert len(faces.looks.embeddings) == len(faces.tracks) > 2


# --- panels ---------------------------------------------------------------------------------------

SPLIT_SCREEN = (
    "testsrc2=s=160x180:r=25:d=4,rotate=0.6[l];"
    "testsrc2=s=160x180:r=25:d=4,rotate=-0.4,negate[r];"
    "[l][r]hstack,drawbox=x=158:w=4:c=gray:t=fill[a];testsrc2=s=320x180:r=25:d=4,rotate=0.6[b];"
    "[a][b]concat=2"
)
"""A split screen with a line, then one picture."""


def test_panels_are_the_same_in_one_pass_in_segments_and_apart(make_clip):
    media = source.probe(make_clip("split.mp4", seconds=8, picture=SPLIT_SCREEN))
    within = FrameRange(5, 190)

    def run(join):
        detection = FaceDetection(media, find_faces, within=within)
        mfcc = mfcc_source(mfcc_of(media, within))
        scoring = SpeechScoring(CropMeans(), media.rate, within, mfcc)
        return join(detection, scoring, PanelSearch(media, within))

    def join_all(detection, scoring, panels):
        recipes = (CropMeans.recipe,)
        spans = split(media, within, None, 1)
        tasks = [SegmentTask(media, within, span, None, NO_TRACKER, recipes) for span in spans]
        results = (analyze_segment(task, find_faces) for task in tasks)
        with closing(SegmentCrops(media, within, recipes)) as crops:
            return join_segments(
                media, within, results, crops, detection, scoring, no_progress, panels=panels
            )

    one_pass = run(lambda detection, scoring, panels: detect_and_score(
        media, within, detection, scoring, no_progress, panels=panels
    ))  # fmt: skip
    joined = run(join_all)
    cuts = one_pass.detections.camera_cuts.tolist()
    with closing(source.read_frames(media, size=detector_size(media), within=within)) as frames:
        apart = find_panels(frames, media, cuts, within)

    assert cuts == [100]
    assert one_pass.panels == joined.panels == apart
    assert {(panel.range.start, panel.range.end) for panel in apart} == {(5, 100)}
    left, right = (panel.box for panel in apart)
    assert (left.left, right.right) == (0, 320)
    assert 154 <= left.right <= 158
    assert 162 <= right.left <= 166
