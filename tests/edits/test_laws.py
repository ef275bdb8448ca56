"""Laws that hold for any sequence of operations."""

import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from edited import edit
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from otio_speakerzoom import pipeline, store
from otio_speakerzoom.edits import EditError, Programme
from otio_speakerzoom.model import FrameRange
from otio_speakerzoom.pipeline import Job

pytest_plugins = ["generated_cut"]

CUTS = {
    "plain": {},
    "stacked": {"options": store.Options(layout="stacked")},
    "upright part": {
        "within": lambda media: FrameRange(300, 1200), "canvas": lambda media: (608, 1080),
    },
    "moving": {
        "options": store.Options(
            style_values={"follow": "smooth", "safe_area": 0.01, "obscure_others": "dim"}
        )
    },
}  # fmt: skip
"""What is cut before the edits, beside the source and its folder."""

PEOPLE = st.integers(1, 3)
SUBJECTS = st.lists(PEOPLE, max_size=2, unique=True)
PLACES = st.floats(0, 1, exclude_max=True)
"""Share of the cut, or of its shots."""

ON_SHOTS = st.one_of(
    st.tuples(st.just("assign"), PLACES, SUBJECTS),
    st.tuples(st.just("assign_part"), PLACES, PLACES, SUBJECTS),
    st.tuples(st.just("set_edge"), PLACES, PLACES),
    st.tuples(st.sampled_from(("split", "join", "lock", "unlock", "crop")), PLACES),
)
ON_ALL = st.one_of(
    st.tuples(st.just("rename"), PEOPLE, st.sampled_from(("", "Ann", "Person 2"))),
    st.tuples(st.just("merge"), PEOPLE, PEOPLE),
    st.tuples(st.sampled_from(("ignore", "prefer")), PEOPLE, st.booleans()),
    st.tuples(
        st.just("set_style"), st.sampled_from((None, "calm", "lively")),
        st.dictionaries(st.just("hold_seconds"), st.sampled_from((None, 0.5, 2.0))),
    ),
)  # fmt: skip


def operation_of(name, *values, state):
    """The operation in JSON that a draw stands for in a state."""
    shots, span = state.cut_list.shots, state.cut_list.range

    def frame(place):
        return span.start + int(place * span.duration)

    def page(shot):
        return {"start": shot.range.start, "end": shot.range.end, "subjects": list(shot.subjects)}

    shot = shots[int(values[0] * len(shots))] if isinstance(values[0], float) else None
    match name:
        case "assign":
            return {"name": name, "shot": page(shot), "subjects": values[1]}
        case "assign_part":
            start, end = sorted({frame(values[0]), frame(values[1]) + 1})[:2] or (0, 1)
            shot = {"start": start, "end": max(end, start + 1), "subjects": []}
            return {"name": "assign", "shot": shot, "subjects": values[2]}
        case "set_edge":
            return {"name": name, "frame": shot.range.start, "to": frame(values[1])}
        case "split":
            return {"name": name, "frame": frame(values[0])}
        case "join":
            return {"name": name, "frame": shot.range.start}
        case "crop":
            return {"name": name, "shot": page(shot), "crop": [200, 100, 1480, 820]}
        case "lock" | "unlock":
            return {"name": name, "shot": page(shot)}
        case "rename":
            return {"name": name, "person": values[0], "to": values[1]}
        case "merge":
            return {"name": name, "person": values[0], "into": values[1]}
        case "ignore" | "prefer":
            return {"name": name, "person": values[0], "value": values[1]}
    return {"name": name, "style": values[0], "values": values[1]}


def content(state):
    """What a state shows, and what it was planned from."""
    return (
        state.cut_list, tuple((lock.range, lock.subjects, lock.crop) for lock in state.locks),
        state.style, state.style_name, state.style_values,
    )  # fmt: skip


def _contains(span, other):
    return span.start <= other.start and other.end <= span.end


def edits(job):
    """How many edits the journal has."""
    path = job.folder / "edits.jsonl"
    return path.read_bytes().count(b'{"do":') if path.exists() else 0


def check(job, span, state):
    shots = state.cut_list.shots
    assert state.cut_list.range == span
    assert all(a.range.end == b.range.start for a, b in pairwise(shots))
    assert all(a.range.end <= b.range.start for a, b in pairwise(state.locks))
    for lock in state.locks:
        # where there is no room for a shot of its own beside a lock, its shot goes on
        (shot,) = [s for s in shots if _contains(s.range, lock.range)]
        assert (shot.locked, {*shot.subjects}) == (True, {*lock.subjects})
        assert lock.crop in (None, shot.crop)
    assert pipeline.cut(job) == state.cut_list
    assert content(Programme(job).state()) == content(state)


@settings(max_examples=8, phases=[Phase.explicit, Phase.generate])  # shrinking takes minutes
@example([("assign", 0.95, []), ("assign", 0.0, []), ("assign", 0.0, [])], "stacked")
@given(st.lists(ON_SHOTS | ON_ALL, min_size=1, max_size=6), st.sampled_from(list(CUTS)))
def test_undoing_all_leads_back_and_redoing_all_leads_there(analysed_film, draws, cut):
    folder = Job(analysed_film).folder
    with TemporaryDirectory() as work:
        shutil.copytree(folder, Path(work, folder.name))
        job = Job(analysed_film, Path(work))
        pipeline.cut(replace(job, **CUTS[cut]))
        programme = Programme(job)
        states = [programme.state()]
        people = [(job.folder / "people.json").read_bytes()]
        for draw in draws:
            try:
                state = edit(programme, operation_of(*draw, state=states[-1]))
            except EditError:
                assert content(programme.state()) == content(states[-1])
                continue
            is_new = content(state) != content(states[-1])
            assert edits(job) == len(states) - 1 + is_new  # what changes nothing is no edit
            check(job, states[0].cut_list.range, state)
            if is_new:
                states.append(state)
                people.append((job.folder / "people.json").read_bytes())
        for n in reversed(range(len(states) - 1)):
            state = programme.undo(programme.state().revision)
            assert content(state) == content(states[n])
            assert (job.folder / "people.json").read_bytes() == people[n]
            assert pipeline.cut(job) == state.cut_list
        assert not programme.state().undo
        for n in range(1, len(states)):
            state = programme.redo(programme.state().revision)
            assert content(state) == content(states[n])
        check(job, states[0].cut_list.range, programme.state())
        assert not programme.state().redo
