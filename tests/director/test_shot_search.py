"""The search for the best shots, and the plan around locks."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from otio_speakerzoom.director.plan import plan
from otio_speakerzoom.director.planned_shot import WIDE, PlannedShot
from otio_speakerzoom.director.rewards import framing_rewards
from otio_speakerzoom.director.shot_search import ShotSearch, search_shots
from otio_speakerzoom.director.speaker_activity import find_active_speakers
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.model import (
    FrameRange,
    Lock,
)

RATE = Fraction(25)
FRAMINGS = (WIDE, (0,), (1,))


@st.composite
def searches(draw, frames=7):
    """Rewards of framings, a minimum shot, costs of cuts, and frames at which framings break."""
    frames, framings = draw(st.integers(1, frames)), draw(st.integers(1, 3))
    start = draw(st.integers(0, 3))
    span = FrameRange(start, start + frames)
    reward = draw(arrays(np.float64, (frames, framings), elements=st.integers(-3, 3)))
    costs = st.sampled_from((0.0, 0.5, 2.0, np.inf))
    cost = draw(arrays(np.float64, frames + 1, elements=costs))
    inside = st.integers(start + 1, start + max(1, frames - 1))
    cuts = frozenset(draw(st.sets(inside, max_size=3)))
    own = [frozenset(draw(st.sets(inside, max_size=1))) for _ in "ab"]
    breaks = (frozenset(), cuts | own[0], cuts | own[1])[:framings]
    for frame in frozenset().union(*breaks):
        cost[frame - start] = 0.5
    min_shot = draw(st.integers(1, 3))
    ends = frozenset(draw(st.sets(st.sampled_from((span.start, span.end)))))
    return ShotSearch(span, FRAMINGS[:framings], reward, cost, min_shot, breaks, cuts | ends)


def is_long_enough(start, end, search):
    """Whether a shot may last from start to end: the minimum, or exactly a camera shot."""
    edges = sorted(search.camera_edges)
    return end - start >= search.min_shot or (start, end) in pairwise(edges)


def value_of(shots, search, before, after):
    """The value of a sequence of shots; None where it breaks a rule."""
    total = 0.0
    for shot in shots:
        column = search.framings.index(shot.framing)
        if any(shot.range.start < cut < shot.range.end for cut in search.breaks[column]):
            return None
        total += search.part(shot.range).reward[:, column].sum()
    for left, right in pairwise(shots):
        at = right.range.start
        same = left.framing == right.framing
        restarts = search.breaks[search.framings.index(right.framing)] | search.camera_edges
        if same and at not in restarts:
            return None  # a change of nothing is no cut
        total -= 0 if at in search.camera_edges else search.cut_cost[at - search.range.start]
    edge = min((cost for cost in search.cut_cost if np.isfinite(cost)), default=0.0)
    total -= edge * (before not in (None, shots[0].framing))
    return total - edge * (after not in (None, shots[-1].framing))


def every_sequence(search, start=None):
    """All ways to fill the frames with shots that are long enough, cut where they may be."""
    start, last = search.range.start if start is None else start, search.range.end
    for end in range(start + 1, last + 1):
        if not is_long_enough(start, end, search):
            continue
        if end != last and not np.isfinite(search.cut_cost[end - search.range.start]):
            continue
        for framing in search.framings:
            shot = PlannedShot(FrameRange(start, end), framing)
            if end == last:
                yield [shot]
            else:
                for rest in every_sequence(search, end):
                    yield [shot, *rest]


@given(searches(), st.sampled_from((None, *FRAMINGS)), st.sampled_from((None, *FRAMINGS)))
@settings(max_examples=150, deadline=None)
def test_no_sequence_of_long_enough_shots_beats_the_result(search, before, after):
    shots = search_shots(search, before=before, after=after)
    values = [
        value
        for sequence in every_sequence(search)
        if (value := value_of(sequence, search, before, after)) is not None
    ]
    has_camera_cut = search.camera_edges - {search.range.start, search.range.end}
    if not values or (len(search.reward) < 2 * search.min_shot and not has_camera_cut):
        assert len(shots) == 1
        return

    assert value_of(shots, search, before, after) == pytest.approx(max(values))


def test_a_turn_as_long_as_a_camera_shot_gets_a_shot_however_short():
    speaks = np.zeros((2, 400), bool)
    speaks[0, :200] = speaks[0, 220:] = True
    speaks[1, 200:220] = True
    reward = framing_rewards(activity_of(speaks), FRAMINGS, RATE, Style()) / 25
    cuts = frozenset((200, 220))
    cost = np.full(401, np.inf)
    cost[[200, 220]] = 0.3
    span = FrameRange(0, 400)
    search = ShotSearch(span, FRAMINGS, reward, cost, 50, (frozenset(), cuts, cuts), cuts)

    assert [(shot.range.start, shot.framing) for shot in search_shots(search)] == [
        (0, (0,)),
        (200, (1,)),
        (220, (0,)),
    ]


@given(searches(frames=300), st.data())
@settings(deadline=None)
def test_shots_cover_everything_once_and_none_is_too_short(search, data):
    search = replace(search, min_shot=data.draw(st.integers(1, 60)))
    shots = search_shots(search)

    assert shots[0].range.start == search.range.start
    assert shots[-1].range.end == search.range.end
    assert all(before.range.end == after.range.start for before, after in pairwise(shots))
    assert len(shots) == 1 or all(
        is_long_enough(shot.range.start, shot.range.end, search) for shot in shots
    )
    assert len(shots) == 1 or not any(
        shot.range.start < cut < shot.range.end
        for shot in shots
        for cut in search.breaks[search.framings.index(shot.framing)]
    )


@given(searches(frames=100), st.integers(1, 1000))
@settings(max_examples=50, deadline=None)
def test_a_search_elsewhere_in_the_source_gives_the_same_shots_there(search, shift):
    def moved(frames):
        return frozenset(frame + shift for frame in frames)

    def moved_range(span):
        return FrameRange(span.start + shift, span.end + shift)

    later = replace(
        search,
        range=moved_range(search.range),
        breaks=tuple(map(moved, search.breaks)),
        camera_edges=moved(search.camera_edges),
    )
    expected = [replace(s, range=moved_range(s.range)) for s in search_shots(search)]

    assert search_shots(later) == expected


def activity_of(speaks, start=0):
    """The activity of people who are all visible and surely speak where `speaks` is True."""
    log_odds = np.where(speaks, 4, -4).astype(np.float32)
    span = FrameRange(start, start + speaks.shape[1])
    return find_active_speakers(log_odds, np.ones_like(speaks), None, span, RATE, Style())


def test_an_interjection_gets_no_shot_but_a_turn_does():
    speaks = np.zeros((2, 300), bool)
    speaks[0, :] = True
    speaks[1, 100:120] = True
    speaks[:, 200:] = [[False], [True]]
    reward = framing_rewards(activity_of(speaks), FRAMINGS, RATE, Style()) / 25
    span = FrameRange(0, 300)
    search = ShotSearch(span, FRAMINGS, reward, np.full(301, 0.3), 50, (frozenset(),) * 3)

    assert search_shots(search) == [
        PlannedShot(FrameRange(0, 194), (0,)),
        PlannedShot(FrameRange(194, 300), (1,)),
    ]


@given(searches(frames=120), st.data())
@settings(deadline=None)
def test_locks_stay_exact_and_nothing_else_is_too_short(search, data):
    span = search.range
    frames = st.integers(span.start, span.end)
    edges = sorted(data.draw(st.sets(frames, min_size=2, max_size=6)))
    locked = []
    for start, end in list(pairwise(edges))[::2]:
        framing = data.draw(st.sampled_from(search.framings))
        lock = Lock(FrameRange(start, end), framing)
        locked.append(PlannedShot(lock.range, framing, lock))
    speech = activity_of(np.zeros((2, span.duration), bool), span.start)
    shots = plan(search, speech, replace(Style(), max_shot_seconds=0), 25.0, locked=locked)

    assert [shot.range.start for shot in shots] == [
        span.start,
        *(shot.range.end for shot in shots[:-1]),
    ]
    assert shots[-1].range.end == span.end
    for lock in locked:
        (own,) = [shot for shot in shots if shot.lock == lock.lock]
        assert own.framing == lock.framing
        assert own.range.start <= lock.range.start < lock.range.end <= own.range.end
        # longer only where what lies beside it is too short for a shot
        assert lock.range.start - own.range.start < search.min_shot
        assert own.range.end - lock.range.end < search.min_shot
    free = [shot.range for shot in shots if shot.lock is None]
    assert not locked or all(is_long_enough(span.start, span.end, search) for span in free)
