"""Scoring tracks that grow: in any pieces the same results, and from a log after a stop."""

from fractions import Fraction
from threading import Event

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otio_speakerzoom.errors import ToolError
from otio_speakerzoom.model import FaceTrack, FrameRange, TrackGrowth
from otio_speakerzoom.speech import av_sync, batches
from otio_speakerzoom.speech.calibration import Calibration
from otio_speakerzoom.speech.clip import Clip
from otio_speakerzoom.speech.crops import (
    LOWER_FACE,
    WHOLE_BOX,
    BoxSmoother,
    crop_face,
    smooth_boxes,
)
from otio_speakerzoom.speech.row_buffer import RowBuffer
from otio_speakerzoom.speech.scorer import LogitDecider
from otio_speakerzoom.speech.scoring import SpeechScoring, mfcc_source, score_speech, whole_growth
from otio_speakerzoom.speech.ticks import frames_at_ticks
from otio_speakerzoom.store import BatchJournal

RATES = ["24", "25", "30000/1001", "50", "60"]


class Changes:
    """Scores each crop by how it differs from its neighbours: wrong without its context."""

    name, recipe, gated_by_vad = "changes", WHOLE_BOX, False
    context = 2
    calibration = Calibration(1.0, 0.0)

    def __init__(self, window=10):
        self.window, self.clips = window, []

    def encode(self, clips):
        self.clips += [(len(clip.crops), clip.crops.mean(), clip.mfcc.mean()) for clip in clips]
        return [self._encode_clip(clip) for clip in clips]

    def _encode_clip(self, clip):
        gray = np.pad(clip.crops.mean(axis=(1, 2)), 2, mode="edge")
        rows = clip.mfcc[:, ::4, 0]
        return (gray[4:] - gray[:-4] + rows).T.astype(np.float32)

    def decider(self, _):
        return LogitDecider()


class Film:
    """Noise with moving faces: tracks of all lengths, of which some are dropped at the end."""

    def __init__(self, rate, seed=0, faces=7):
        rng = np.random.default_rng([seed, faces])
        self.rate = Fraction(rate)
        self.within = FrameRange(7, 7 + int(7.2 * self.rate))
        self.pictures = rng.integers(0, 256, (self.within.duration, 40, 60), np.uint8)
        self.mfcc = RowBuffer(13)
        self.mfcc.add(rng.normal(0, 8, (900, 13)).astype(np.float32))
        first, end = self.within.start, self.within.end
        starts = [first, end - 1, first, first, *rng.integers(first, end, faces - 4)]
        length = int(3 * self.rate)
        lengths = [end - first, 1, length, length, *rng.integers(1, length, faces - 4)]
        spans = sorted(
            (int(start), int(min(start + length, end)))
            for start, length in zip(starts, lengths, strict=True)
        )
        self.tracks = [self._track(rng, n, *span) for n, span in enumerate(spans, 1)]
        self.keys = [int(key) for key in rng.permutation(faces)]  # of no order

    def _track(self, rng, number, start, end):
        n = end - start
        corner = rng.uniform(0, 30, 2) + np.cumsum(rng.normal(0, 2, (n, 2)), axis=0)
        boxes = np.hstack([corner, corner + rng.uniform(5, 25, (n, 2))]).astype(np.float32)
        return FaceTrack(number, start, boxes, np.ones(n, bool))

    def scoring(self, scorer=None, log=None):
        scorer = scorer or Changes()
        return SpeechScoring(scorer, self.rate, self.within, mfcc_source([self.mfcc]), batches=log)

    def at_once(self, scorer=None, tracks=None):
        frames = enumerate(self.pictures, self.within.start)
        return score_speech(
            frames, [self.mfcc], tracks or self.tracks, scorer or Changes(), self.rate, self.within
        )

    def growths(self, rng):
        """The growths in random pieces, each with the frame before which all is settled."""
        ends = [track.start for track in self.tracks]
        settled = self.within.start
        while settled < self.within.end:
            settled = min(self.within.end, settled + int(rng.integers(0, self.rate)))
            growths = []
            for n, (track, key) in enumerate(zip(self.tracks, self.keys, strict=True)):
                ahead = int(rng.integers(0, 9)) if ends[n] > track.start else 0
                end = min(track.range.end, max(ends[n], settled + ahead))
                if end == ends[n] and ends[n] > track.start:
                    continue
                part = slice(ends[n] - track.start, max(0, end - track.start))
                if part.start < part.stop:
                    growth = TrackGrowth(
                        key, ends[n], track.boxes[part], track.has_detection[part],
                        ended=end == track.range.end,
                    )  # fmt: skip
                    growths.append(growth)
                    ends[n] = end
            yield growths, settled

    def crop(self, number, box, recipe):
        return crop_face(self.pictures[number - self.within.start], box, recipe)

    def in_pieces(self, rng, scoring, crop=None):
        """Push everything in random pieces; `crop` gets only the frames that are in the ring."""
        first, last = 0, self.within.start

        def ring(number, box, recipe):
            assert max(first, scoring.crops_from) <= number < last
            return self.crop(number, box, recipe)

        for growths, settled in self.growths(rng):
            first, last = (
                scoring.needed_from,
                min(self.within.end, last + int(rng.integers(0, self.rate))),
            )
            scoring.push(growths, settled, last, ring)
        first, last = scoring.needed_from, self.within.end
        return ring

    def result(self, rng, scoring, keep=None):
        ring = self.in_pieces(rng, scoring)
        chosen = range(len(self.tracks)) if keep is None else keep
        tracks, keys = [self.tracks[n] for n in chosen], [self.keys[n] for n in chosen]
        return scoring.finish(tracks, keys, ring)


def as_bytes(speech):
    return [(s.track_id, s.start, s.logits.tobytes()) for s in speech.scores], speech.av_offset_s


@given(st.integers(1, 300), st.integers(1, 40), st.sampled_from([3, 13]))
@settings(deadline=None, max_examples=40)
def test_boxes_are_smoothed_alike_in_pieces(ticks, most, kernel):
    rng = np.random.default_rng(ticks)
    boxes = rng.normal(100, 40, (ticks, 4)).astype(np.float32)
    smoother, pieces, start = BoxSmoother(kernel), [], 0
    while start < ticks:
        end = start + int(rng.integers(0, most + 1))
        pieces.append(smoother.push(boxes[start:end]))
        start = end
    pieces.append(smoother.finish())

    assert np.concatenate(pieces).tobytes() == smooth_boxes(boxes, kernel).tobytes()


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("seed", range(4))
def test_tracks_score_alike_in_pieces_and_at_once(rate, seed, monkeypatch):
    monkeypatch.setattr(batches, "BATCH_TICKS", 30)
    film, rng = Film(rate, seed), np.random.default_rng(seed)
    whole, parts, again = Changes(), Changes(), Changes()
    film.keys = list(range(len(film.tracks)))

    expected = film.at_once(whole)
    results = [film.result(rng, film.scoring(scorer)) for scorer in (parts, again)]

    assert [as_bytes(speech) for speech in results] == [as_bytes(expected)] * 2
    assert parts.clips == whole.clips == again.clips  # the same windows in the same order
    assert as_bytes(film.at_once(Changes(window=1000))) == as_bytes(expected)


def test_the_order_of_windows_does_not_depend_on_the_pieces():
    film, scorers = Film("25", faces=12), [Changes() for _ in range(3)]
    for seed, scorer in enumerate(scorers):
        film.result(np.random.default_rng(seed), film.scoring(scorer))

    assert scorers[0].clips == scorers[1].clips == scorers[2].clips


def offset_by_pixels(clip):
    """An estimate, or none, that depends on the pixels and the audio of a piece."""
    value = int(1000 * clip.crops.mean()) + int(1000 * abs(clip.mfcc.mean()))
    return None if value % 3 == 0 else value % 11 - 5


@pytest.fixture
def short_pieces(monkeypatch):
    """Pieces of half a second, three estimates; whether they agree does not matter."""
    for module in (av_sync, batches):
        monkeypatch.setattr(module, "PIECE_TICKS", 12)
    monkeypatch.setattr(av_sync, "MAX_ESTIMATES", 3)
    monkeypatch.setattr(av_sync, "MAX_DEVIATION_TICKS", 11)
    monkeypatch.setattr(batches, "offset_of_piece", offset_by_pixels)


def offset_in_one_loop(film, tracks):
    """The A/V offset as it is defined: frame by frame, face by face, until there are enough."""
    tick_frames = film.within.start + frames_at_ticks(film.within.duration, film.rate)
    offsets, crops = [], {track.id: [] for track in tracks}
    paths = {}
    for track in tracks:
        ticks = np.flatnonzero((tick_frames >= track.start) & (tick_frames < track.range.end))
        boxes = smooth_boxes(track.boxes[tick_frames[ticks] - track.start])
        paths[track.id] = dict(zip(ticks.tolist(), boxes, strict=True))
    for frame in range(film.within.start, film.within.end):
        for track in tracks:
            for tick in np.flatnonzero(tick_frames == frame).tolist():
                if tick in paths[track.id] and len(offsets) < av_sync.MAX_ESTIMATES:
                    box = paths[track.id][tick]
                    crops[track.id].append(film.crop(frame, box, LOWER_FACE))
                    if len(crops[track.id]) == av_sync.PIECE_TICKS:
                        start = tick + 1 - av_sync.PIECE_TICKS
                        mfcc = mfcc_source([film.mfcc])(start, av_sync.PIECE_TICKS)
                        offset = offset_by_pixels(Clip(np.stack(crops[track.id]), mfcc))
                        offsets += [] if offset is None else [offset]
                        crops[track.id] = []
    return float(np.median(offsets)) / 25 if len(offsets) >= 3 else None


@pytest.mark.parametrize("rate", RATES)
def test_dropped_tracks_do_not_count_for_the_av_offset(rate, short_pieces):
    offsets = set()
    for seed in range(6):
        film, rng = Film(rate, seed), np.random.default_rng(seed)
        keep = sorted(rng.permutation(len(film.tracks))[:4].tolist())
        tracks = [film.tracks[n] for n in keep]

        speech = film.result(rng, film.scoring(), keep)

        assert as_bytes(speech) == as_bytes(film.at_once(tracks=tracks))
        assert speech.av_offset_s == offset_in_one_loop(film, tracks)
        offsets.add(speech.av_offset_s)
    assert len(offsets) > 1


def journal(folder, whole=None, batches=0):
    """The log of an analysis that stopped after some batches of a whole one."""
    copy = BatchJournal(folder, "digest")
    for n in range(batches):
        copy.write(n, whole.read(n), whole.resume_frames[n], whole.read_sync(n))
    copy.close()
    return Journal(folder)


class Journal(BatchJournal):
    """Remembers what is written."""

    def __init__(self, folder):
        super().__init__(folder, "digest")
        self.resume_frames = []

    def write(self, batch, rows, resume_frame, sync):
        self.resume_frames.append(resume_frame)
        super().write(batch, rows, resume_frame, sync)

    def contents(self):
        return [
            ([rows.tobytes() for rows in self.read(n)], self.read_sync(n).tolist())
            for n in range(len(self))
        ]


@pytest.mark.parametrize("rate", RATES)
def test_a_run_goes_on_from_any_batch(rate, short_pieces, monkeypatch, tmp_path):
    monkeypatch.setattr(batches, "BATCH_TICKS", 30)
    film, rng = Film(rate, 1), np.random.default_rng(0)
    log, whole = journal(tmp_path / "whole"), Changes()
    expected = film.result(rng, film.scoring(whole, log), keep=[0, 2, 3, 5])
    assert len(log) > 8
    assert log.resume_frames[-1] == film.within.end
    assert log.resume_frames[-2] > film.within.start + 60
    assert expected.av_offset_s is not None

    for stop in range(len(log) + 1):
        resumed, scorer = journal(tmp_path / str(stop), log, stop), Changes()
        scoring = film.scoring(scorer, resumed)
        assert scoring.needed_from >= (resumed.resume_frame or 0)
        speech = film.result(rng, scoring, keep=[0, 2, 3, 5])

        assert as_bytes(speech) == as_bytes(expected)
        assert scorer.clips == whole.clips[len(whole.clips) - len(scorer.clips) :]
        assert resumed.contents() == log.contents()


@pytest.mark.parametrize("rate", RATES)
def test_frames_that_are_cut_are_not_needed_again(rate):
    film = Film(rate)
    scoring, cut = film.scoring(), set()

    def crop(number, box, recipe):
        cut.add(number)
        return film.crop(number, box, recipe)

    growths = [whole_growth(*pair) for pair in zip(film.tracks, film.keys, strict=True)]
    for end in range(film.within.start, film.within.end + 1, 4):
        scoring.push(growths, film.within.end, end, crop)
        growths = []
        assert end <= scoring.needed_from <= end + film.rate / 25
        assert max(cut, default=0) < scoring.needed_from


def test_a_tick_is_cut_once_its_smooth_box_is_final():
    film, numbers = Film("25"), []
    scoring, (track, key) = film.scoring(), (film.tracks[0], film.keys[0])

    def crop(number, box, recipe):
        numbers.append(number)
        return film.crop(number, box, recipe)

    scoring.push([whole_growth(track, key)], track.start + 20, film.within.end, crop)

    assert numbers == list(range(track.start, track.start + 14))


def test_a_track_that_grows_wrongly_is_refused():
    film = Film("25")
    boxes, flags = np.zeros((5, 4), np.float32), np.ones(5, bool)
    scoring = film.scoring()
    scoring.push([TrackGrowth(1, 10, boxes, flags, ended=False)], 15, 15, film.crop)
    with pytest.raises(ValueError, match=r"track 1 .* goes on at frame 15, .* grow at frame 16"):
        scoring.push([TrackGrowth(1, 16, boxes, flags, ended=False)], 21, 21, film.crop)
    with pytest.raises(ValueError, match="track 2 begins at frame 7, which is settled"):
        scoring.push([TrackGrowth(2, 7, boxes, flags, ended=False)], 21, 21, film.crop)


def test_the_final_track_must_be_the_one_that_grew():
    film = Film("25")
    scoring = film.scoring()
    film.in_pieces(np.random.default_rng(0), scoring)
    with pytest.raises(ValueError, match="boxes of its key"):
        scoring.finish([film.tracks[0]], [film.keys[-1]], film.crop)


def test_crops_of_the_next_batch_are_collected_while_one_is_encoded(monkeypatch):
    monkeypatch.setattr(batches, "BATCH_TICKS", 30)
    film, next_batch = Film("25"), Event()
    track = max(film.tracks, key=lambda track: len(track.boxes))
    assert len(track.boxes) > 100

    class Slow(Changes):
        def encode(self, clips):
            assert next_batch.wait(timeout=20)
            return super().encode(clips)

    def crop(number, box, recipe):
        if number == track.start + 50:
            next_batch.set()
        return film.crop(number, box, recipe)

    scoring = film.scoring(Slow())
    scoring.push([whole_growth(track, 1)], film.within.end, film.within.end, crop)
    speech = scoring.finish([track], [1], crop)

    assert as_bytes(speech) == as_bytes(film.at_once(tracks=[track]))


def test_an_error_of_the_scorer_reaches_the_caller():
    class Failing(Changes):
        def encode(self, clips):
            raise ToolError("the GPU is out of memory")

    film = Film("25")
    with pytest.raises(ToolError, match="out of memory"):
        film.at_once(Failing())
