"""Jumps in the timestamps of audio, against a slow version that decides piece by piece."""

from fractions import Fraction

import av
from hypothesis import given
from hypothesis import strategies as st

from otio_speakerzoom.source.audio_decode import AudioClock, DecodedAudio
from otio_speakerzoom.source.audio_stream import JUMP_WINDOW_S, MAX_DRIFT_S, JumpDetector


def expected_jumps(pieces):
    """The jump of each piece, with all that is to come at hand."""
    jumps, clock = [], None
    for number, piece in enumerate(pieces):
        jump = piece.time
        if clock is None:
            jump = jump or Fraction(0)
        elif jump is not None:
            window, at, sides = Fraction(0), clock, set()
            for later in pieces[number:]:
                if later.time is not None:
                    drift = later.time - at
                    sides.add(0 if abs(drift) <= MAX_DRIFT_S else 1 if drift > 0 else -1)
                at += later.duration
                window += later.duration
                if window >= JUMP_WINDOW_S:
                    break
            jump = jump if sides in ({1}, {-1}) else None
        jumps.append(jump)
        clock = (clock if jump is None else jump) + piece.duration
    return jumps


@st.composite
def streams(draw):
    """Pieces whose timestamps jitter, jump and are missing, at rates that change."""
    clock = AudioClock(draw(st.sampled_from([Fraction(1, 48000), Fraction(1, 1000),
                                             Fraction(1, 90000)])), Fraction(7, 5))  # fmt: skip
    gaps = st.integers(20, 100) | st.integers(1, 900)  # around the limit, and any
    pieces, at, rate = [], Fraction(draw(st.integers(-100, 100)), 30), 48000
    for kind in draw(st.lists(st.sampled_from("________jgbnr"), min_size=1, max_size=60)):
        at += {"g": 1, "b": -1}.get(kind, 0) * Fraction(draw(gaps), 1000)
        rate = draw(st.sampled_from([44100, 32000])) if kind == "r" else rate
        jitter = Fraction(draw(st.integers(-90, 90)), 1000) if kind == "j" else 0
        pts = None if kind == "n" else round((at + jitter + clock.begin) / clock.time_base)
        samples = draw(st.sampled_from([960, 1024, 1152, 9000]))
        pieces.append(DecodedAudio(av.AudioFrame(), samples, rate, pts, clock, True))
        at += pieces[-1].duration
    return pieces


@given(streams())
def test_jumps_are_those_that_all_timestamps_of_a_window_agree_on(pieces):
    detector = JumpDetector()

    found = [jump for piece in pieces for jump in detector.push(piece)]
    found += detector.finish()

    assert [piece for piece, _ in found] == pieces
    assert [jump for _, jump in found] == expected_jumps(pieces)
