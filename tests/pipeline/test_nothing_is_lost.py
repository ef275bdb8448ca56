"""What a user has worked for stays: names, locks, edits, an hour's analysis; faces are drawn."""

import json
import logging
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from otio_speakerzoom import pipeline, store
from otio_speakerzoom.director.style import NEW_NAMES
from otio_speakerzoom.errors import MediaError, SpeakerZoomError, StoreError
from otio_speakerzoom.faces.detectors import choose
from otio_speakerzoom.model import (
    Box,
    FaceTrack,
    FrameRange,
    Lock,
    Microphone,
    Person,
    Sighting,
    Speech,
    SpeechScores,
    VoiceActivity,
)
from otio_speakerzoom.pipeline import Job, Options, plan_cut
from otio_speakerzoom.pipeline.locks import resolve_locks
from otio_speakerzoom.pipeline.reconcile import KnownPerson, meet, sightings

LEFT, RIGHT = (60, 50, 100, 100), (220, 50, 260, 100)
TURN = 75
"""Frames for which each of the two speaks."""


@pytest.fixture(scope="module")
def clip(make_clip):
    return make_clip("keeping.mp4", seconds=12)


@pytest.fixture
def work(monkeypatch):
    """Two faces that never move and speak in turns; what was worked at is noted in a list."""
    from otio_speakerzoom.speech import scorers

    done = []

    @contextmanager
    def detector(name, **_):
        done.append(f"find faces with {name}")
        # another detector sees faces in another order, a little larger
        boxes = np.array([LEFT, RIGHT] if name == "blazeface" else [RIGHT, LEFT], np.float32)
        yield lambda picture: (boxes + np.float32((0, 0, 2, 2)), np.ones(2, np.float32))

    def hear(media, within, wanted, on_progress):
        done.append(f"listen to {wanted.stream}, {wanted.channel}")
        voice = np.ones(within.duration, np.float32)
        return VoiceActivity(within.start, voice, (Microphone(0),))

    class PlannedShot:
        def __init__(self, name):
            self.name = name

    def score(media, tracks, voice, scorer, within, on_progress):
        done.append(f"score with {scorer.name}")
        return Speech(tuple(_speech(track) for track in tracks))

    monkeypatch.setattr(choose, "choose_detector", detector)
    monkeypatch.setattr(scorers, "hear_source", hear)
    monkeypatch.setattr(scorers, "score_source", score)
    monkeypatch.setattr(scorers, "prepare_scorer", lambda *_, **__: None)
    choice = {"auto": "sync-asd"}
    monkeypatch.setattr(
        scorers, "choose_scorer", lambda name, *_, **__: PlannedShot(choice.get(name, name))
    )
    return done


def _speech(track):
    left = track.boxes[0, 0] < 160
    frames = np.arange(track.start, track.range.end)
    speaks = (frames // TURN % 2 == 0) == left
    return SpeechScores(track.id, track.start, np.where(speaks, 4, -4).astype(np.float32))


@pytest.fixture
def job(clip, tmp_path):
    return Job(clip, tmp_path)


def part_of(job, start, end):
    return replace(job, within=lambda media: FrameRange(start, end))


def said(job, **options):
    return replace(job, options=Options(**options))


def files(job):
    return {
        path.relative_to(job.folder).as_posix(): path.read_bytes()
        for path in job.folder.rglob("*")
        if path.is_file()
    }


def edit(job, old, new, name="cutlist.json"):
    path = job.folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return path


def lock(job, **row):
    document = {"schema": "speakerzoom.locks/1", "locks": [row]}
    (job.folder / "locks.json").write_text(json.dumps(document))


def shown(cut_list):
    return [(shot.range.start, shot.range.end, shot.subjects) for shot in cut_list.shots]


# --- a part is a view of what is known ------------------------------------------------------------


def test_a_part_of_what_is_known_is_a_view_and_touches_nothing(job, work):
    pipeline.analyze(job)
    edit(job, '"name": ""', '"name": "Ada"', "people.json")
    before = files(job)
    del work[:]
    part = pipeline.analyze(part_of(job, 60, 200))
    cut_list = pipeline.cut(part_of(job, 60, 200))

    assert work == []
    assert part.within == FrameRange(60, 200) == cut_list.range
    assert all(t.start >= 60 and t.range.end <= 200 for t in part.tracks)
    assert part.voice.start == 60
    assert len(part.voice.probability) == 140
    assert [person.name for person in cut_list.people] == ["Ada", ""]
    after = files(job)
    assert {name: after[name] for name in before if name != "options.json"} == {
        name: content for name, content in before.items() if name != "options.json"
    }


def test_the_part_stays_asked_for_until_another_one_is(job, work, caplog):
    caplog.set_level(logging.INFO)
    pipeline.analyze(job)
    pipeline.cut(part_of(job, 60, 200))
    assert "as last time" not in caplog.text
    assert pipeline.cut(said(job, style_values={"min_shot_seconds": 1.0})).range == FrameRange(
        60, 200
    )
    assert "frames 60 to 200 of 300, as last time; --in 0s takes the whole" in caplog.text
    assert pipeline.cut(part_of(job, 0, 300)).range == FrameRange(0, 300)


def test_analysing_a_part_leaves_the_part_of_the_kept_cut(job, work):
    pipeline.cut(job)
    pipeline.analyze(part_of(job, 60, 200))
    assert pipeline.cut(said(job, style_values={"min_shot_seconds": 1.0})).range == FrameRange(
        0, 300
    )


def test_a_part_analysed_alone_lies_apart_and_its_names_come_along(job, work):
    pipeline.cut(part_of(job, 60, 200))
    folder = job.folder / "parts" / "60-200"
    assert (folder / "scores.npz").exists()
    assert not (job.folder / "scores.npz").exists()
    path = folder / "people.json"
    path.write_text(path.read_text().replace('"name": ""', '"name": "Ada"', 1))
    assert [person.name for person in pipeline.cached_cut(job).people] == ["Ada", ""]
    of_the_part = {name: data for name, data in files(job).items() if name.startswith("parts/")}
    whole = pipeline.analyze(part_of(job, 0, 300))

    assert [(person.id, person.name) for person in whole.people] == [(1, "Ada"), (2, "")]
    assert of_the_part.items() <= files(job).items()


def test_a_part_by_other_means_leaves_the_whole_as_it_is(job, work):
    pipeline.cut(job)
    before = files(job)
    pipeline.analyze(part_of(said(job, detector="yunet"), 40, 70))
    after = files(job)

    assert "parts/40-70/tracks.npz" in after
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"options.json"}
    # who is number 1 in the whole is number 1 in the part, whoever the detector sees first
    people = {
        p.id: np.median([t.boxes[0, 0] for t in tracks if t.id in p.track_ids])
        for folder in (job.folder, job.folder / "parts" / "40-70")
        for tracks in [store.load_tracks(folder).value]
        for p in store.load_people(folder).value
    }
    assert people == {1: pytest.approx(60, abs=3), 2: pytest.approx(220, abs=3)}


# --- what is not said stays as it was -------------------------------------------------------------


def test_a_taste_never_costs_an_analysis(job, work):
    pipeline.cut(said(job, channels="1", scorer="motion", detect_every=5, layout="stacked"))
    assert work == ["find faces with blazeface", "listen to None, 1", "score with motion"]
    calm = pipeline.cut(said(job, style="calm", style_values={"min_shot_seconds": 3.5}))
    lean = pipeline.cut(said(job, style_values={"lead_room": 0.0}))

    assert len(work) == 3
    assert calm.angles
    assert lean.angles
    style = json.loads((job.folder / "cutlist.json").read_text())["style"]
    assert (style["min_shot_seconds"], style["lead_room"]) == (3.5, 0.0)
    assert style["face_heights"] == 4.4  # of calm


def test_every_default_can_be_asked_for_again(job, work):
    pipeline.cut(said(job, channels="1", scorer="motion", style="calm", layout="stacked"))
    plain = Options(channels="auto", scorer="auto", style="standard", layout="programme")
    cut_list = pipeline.cut(replace(job, options=plain))

    assert work[-2:] == ["listen to None, None", "score with sync-asd"]
    assert cut_list.angles == ()
    style = json.loads((job.folder / "cutlist.json").read_text())["style"]
    assert style["min_shot_seconds"] == 2.0


def test_the_canvas_stays_the_one_that_was_asked_for(job, work):
    pipeline.cut(replace(job, canvas=lambda media: (180, 320)))
    assert pipeline.cut(job).canvas == (180, 320)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"blazeface"', '"eyes"', "detector: is unknown"),
        ('"programme"', '"pile"', "layout: is unknown"),
        ('"channels": "auto"', '"channels": "loud"', "channels: is unknown"),
        ('"part": [0, 300]', '"part": [0, 301]', "part: is unknown"),
        ('"part": [0, 300]', '"part": [9]', "part: needs two whole numbers"),
        ('"style_values": {}', '"style_values": {"sparkle": 1}', "style_values.sparkle: is unkn"),
        ('"detect_every": 0', '"detect_every": "all"', "detect_every: needs a whole number"),
    ],
)
def test_options_that_make_no_sense_are_one_line(job, work, old, new, says):
    pipeline.cut(job)
    edit(job, old, new, "options.json")

    with pytest.raises(StoreError, match=says):
        pipeline.cut(job)


# --- looking changes nothing ----------------------------------------------------------------------


def test_a_render_shows_the_kept_cut_and_changes_nothing(job, work):
    kept = pipeline.cut(job)
    before = files(job)
    del work[:]
    part = pipeline.view_cut(part_of(job, 80, 160))
    small = pipeline.view_cut(replace(job, canvas=lambda media: (160, 90)))
    tall = pipeline.view_cut(replace(job, canvas=lambda media: (180, 320)))
    calm = pipeline.view_cut(said(job, style_values={"min_shot_seconds": 6.0}))

    assert work == []
    assert len(kept.shots) > 2
    assert part.range == FrameRange(80, 160)
    for shot in part.shots:
        (whole,) = [
            s for s in kept.shots
            if s.range.start <= shot.range.start and shot.range.end <= s.range.end
        ]  # fmt: skip
        assert (shot.subjects, shot.crop) == (whole.subjects, whole.crop)
    assert (small.canvas, small.shots) == ((160, 90), kept.shots)
    assert tall.canvas == (180, 320)
    assert all(shot.crop.height > shot.crop.width for shot in tall.shots)
    assert min(shot.range.duration for shot in calm.shots) >= 150
    assert files(job) == before
    assert pipeline.current_cut(job) == kept


def test_an_edited_cut_is_shown_in_another_shape_with_its_own_shots(job, work):
    kept = pipeline.cut(job)
    edit(job, f'"end": {kept.shots[0].range.end},', '"end": 70,')
    edit(job, f'"start": {kept.shots[1].range.start},', '"start": 70,')
    tall = pipeline.view_cut(replace(job, canvas=lambda media: (180, 320)))

    assert shown(tall)[:2] == [(0, 70, kept.shots[0].subjects), (70, *shown(kept)[1][1:])]
    assert not any(shot.locked for shot in tall.shots)


def test_a_render_before_any_cut_leaves_the_canvas_open(job, work):
    film = pipeline.view_cut(replace(job, canvas=lambda media: (180, 180), force=True))
    exported = pipeline.current_cut(job)

    assert film.canvas == (180, 180)
    assert exported.canvas == (320, 180)
    assert [shot.range for shot in film.shots] == [shot.range for shot in exported.shots]


def test_facts_of_the_source_that_were_edited_are_read_from_it_again(job, work):
    pipeline.cut(job)
    edit(job, '"duration": 300', '"duration": 200', "media.json")
    assert pipeline.open_session(job).media.duration == 300


def test_a_render_refuses_what_it_cannot_show(job, work):
    pipeline.cut(part_of(job, 60, 200))
    with pytest.raises(SpeakerZoomError, match="frames 0 to 100, but the kept cut has frames 60"):
        pipeline.view_cut(part_of(job, 0, 100))
    with pytest.raises(SpeakerZoomError, match="was made with --channels auto"):
        pipeline.view_cut(said(job, channels="1"))
    with pytest.raises(SpeakerZoomError, match=r"every auto; run .* --detect-every 5"):
        pipeline.view_cut(said(job, detect_every=5))
    with pytest.raises(SpeakerZoomError, match="cut --force"):
        pipeline.view_cut(replace(job, force=True))


def test_a_refused_render_names_automatic_values_as_the_options_take_them(job, work):
    pipeline.cut(said(job, audio_stream=1))
    with pytest.raises(SpeakerZoomError, match=r"--audio-stream 1; run .* --audio-stream auto "):
        pipeline.view_cut(said(job, audio_stream=0))


# --- locks ----------------------------------------------------------------------------------------


def test_a_lock_is_applied_by_export_and_says_whom_it_shows(job, work):
    pipeline.cut(job)
    lock(job, start=100, end=130, show=2)
    looked = pipeline.current_cut(job, keep=False)
    assert "framed" in (job.folder / "cutlist.json").read_text()
    assert (100, 130, (2,)) in shown(looked)
    assert "locked" not in (job.folder / "cutlist.json").read_text()

    exported = pipeline.current_cut(job)
    assert shown(exported) == shown(looked)
    assert pipeline.cached_cut(job) == exported
    (row,) = json.loads((job.folder / "locks.json").read_text())["locks"]
    frame, *box = row["people"][0]["seen"]
    assert row["people"][0]["id"] == 2
    assert 100 <= frame < 130
    assert box == pytest.approx(RIGHT, abs=3)
    before = files(job)
    assert pipeline.cut(job) == exported
    assert files(job) == before


def test_locks_are_not_applied_to_what_is_no_longer_known(job, work):
    kept = pipeline.cut(job)
    lock(job, start=100, end=130, show="wide")
    (job.folder / "scores.npz").unlink()
    before = files(job)

    with pytest.raises(StoreError, match="planned from is gone"):
        pipeline.current_cut(job)
    assert files(job) == before
    (job.folder / "locks.json").unlink()
    assert pipeline.current_cut(job) == kept


def test_a_lock_of_somebody_unknown_is_said_before_anything_is_looked_at(job, work):
    pipeline.cut(job)
    lock(job, start=100, end=130, show=7)
    del work[:]
    with pytest.raises(StoreError, match=r"from frame 100 to 130 shows person 7, .* are 1, 2"):
        pipeline.cut(said(job, detector="yunet"))
    lock(job, start=290, end=310, show="wide")
    with pytest.raises(StoreError, match=r"locks\[0\]\.end: needs 300 at most"):
        pipeline.cut(said(job, detector="yunet"))
    assert work == []


def test_a_lock_follows_its_person_to_another_number(job, work):
    known = pipeline.analyze(job)
    left, right = known.people
    swapped = replace(known, people=(replace(left, id=2), replace(right, id=1)))
    seen = (Sighting(2, 50, Box(*RIGHT)),)
    (now,) = resolve_locks([Lock(FrameRange(40, 60), (2,), sightings=seen)], swapped)

    assert now.subjects == (1,)
    gone = replace(known, tracks=known.tracks[:1], people=(left,))
    with pytest.raises(StoreError, match="who was at 220, 50, 260, 100 in frame 50"):
        resolve_locks([Lock(FrameRange(40, 60), (2,), sightings=seen)], gone)


# --- people ---------------------------------------------------------------------------------------


def test_names_are_in_people_json_alone_and_reach_every_timeline(job, work):
    pipeline.cut(job)
    edit(job, '"name": ""', '"name": "Ada"', "people.json")
    exported = pipeline.current_cut(job)

    assert exported.people[0].name == "Ada"
    assert any(shot.reason.startswith("Ada speaking") for shot in exported.shots)
    assert "Ada" not in (job.folder / "cutlist.json").read_text()
    before = files(job)
    assert pipeline.cut(job) == exported
    assert files(job) == before


def test_people_found_anew_keep_their_numbers_and_names(job, work, caplog):
    pipeline.cut(job)
    path = edit(job, '"name": ""', '"name": "Ada"', "people.json")
    named = path.read_text()
    with caplog.at_level(logging.INFO):
        anew = pipeline.analyze(replace(said(job, detector="yunet"), force=True))

    assert work.count("find faces with yunet") == 1
    assert [person.name for person in anew.people] == ["Ada", ""]
    ada = next(t for t in anew.tracks if t.id in anew.people[0].track_ids)
    assert ada.boxes[0, 0] == pytest.approx(LEFT[0], abs=3)
    assert (job.folder / "people.json.bak-1").read_text() == named
    assert "people.json.bak-1" in caplog.text


def still(id_, start, end, box):
    boxes = np.tile(np.array(box, np.float32), (end - start, 1))
    return FaceTrack(id_, start, boxes, np.ones(end - start, bool))


def test_who_is_not_found_again_keeps_the_name():
    then = (Person(1, (1,), "Ada"), Person(2, (2,)), Person(3, (3,), "Eve"))
    before = (still(1, 0, 50, LEFT), still(2, 0, 50, RIGHT), still(3, 60, 90, RIGHT))
    known = [
        KnownPerson(p, tuple(s for s in sightings(then, before) if s.person == p.id), own=True)
        for p in then
    ]
    now = (still(7, 0, 90, RIGHT), still(8, 0, 20, (0, 0, 20, 20)))

    assert meet((Person(1, (7,)), Person(2, (8,))), now, known) == (
        Person(1, (), "Ada"),
        Person(2, (7,), "Eve"),
        Person(4, (8,)),  # a kept cut and locks still call Eve 3
    )


# --- edits ----------------------------------------------------------------------------------------


def test_what_is_edited_while_a_cut_is_planned_is_kept(job, work, monkeypatch, caplog):
    pipeline.cut(job)

    def slow(*arguments, **options):
        edit(job, '"reason": "', '"reason": "my own: ')
        return direct(*arguments, **options)

    direct = plan_cut.direct
    monkeypatch.setattr(plan_cut, "direct", slow)
    cut_list = pipeline.cut(said(job, style="calm"))

    assert cut_list.shots[0].reason.startswith("my own: ")
    assert "my own: " in (job.folder / "cutlist.json").read_text()
    assert "was edited while the cut was planned" in caplog.text


def test_an_edited_cut_is_backed_up_before_it_is_replaced(job, work):
    pipeline.cut(job)
    path = edit(job, '"reason": "', '"reason": "my own: ')
    mine = path.read_text()
    with pytest.raises(StoreError, match="was edited, and is of frames 0 to 300"):
        pipeline.cut(part_of(job, 60, 200))
    with pytest.raises(StoreError, match="was edited, and its canvas is 320x180"):
        pipeline.cut(replace(job, canvas=lambda media: (180, 180)))
    pipeline.cut(replace(job, force=True))

    assert "my own" not in path.read_text()
    assert path.with_name("cutlist.json.bak-1").read_text() == mine


def test_a_shot_whose_subject_was_edited_is_framed_for_them(job, work):
    kept = pipeline.cut(job)
    n = next(n for n, shot in enumerate(kept.shots) if shot.subjects == (1,))
    other = next(shot for shot in kept.shots if shot.subjects == (2,))
    path = edit(job, '"kind": "single", "subjects": [1]', '"kind": "single", "subjects": [2]')
    mine = path.read_text()
    exported = pipeline.current_cut(job)

    assert exported.shots[n].subjects == (2,)
    assert exported.shots[n].crop == other.crop
    assert exported.shots[n].reason == "edited"
    assert pipeline.cached_cut(job) == exported  # what comes back from an editor is held against it
    assert path.read_text() == mine

    (job.folder / "scores.npz").unlink()
    with pytest.raises(StoreError, match=rf"shots\[{n}\]\.subjects: was edited, but the crop"):
        pipeline.current_cut(job)
    own = json.dumps([float(edge) for edge in (10, 10, 170, 100)])
    crop = json.dumps([kept.shots[n].crop.left, kept.shots[n].crop.top,
                       kept.shots[n].crop.right, kept.shots[n].crop.bottom])  # fmt: skip
    edit(job, crop, own)
    assert pipeline.current_cut(job).shots[n].crop == Box(10, 10, 170, 100)


def test_a_shot_of_somebody_who_is_not_found_is_told_as_a_shot(job, work):
    pipeline.cut(job)
    edit(job, '{"id": 2}', '{"id": 2},\n    {"id": 3}')
    edit(job, '"kind": "single", "subjects": [1]', '"kind": "single", "subjects": [3]')

    says = r"cutlist\.json: the shot from frame \d+ to \d+ shows person 3.*correct its subjects"
    with pytest.raises(StoreError, match=says):
        pipeline.current_cut(job)


def test_the_style_of_another_version_is_used_as_far_as_it_is_known(job, work, caplog):
    pipeline.cut(job)
    path = job.folder / "cutlist.json"
    document = json.loads(path.read_text())
    document["style"]["sparkle"] = 3
    del document["made_from"]["as_written"]
    for name, fault in (("sparkle", None), ("min_shot_seconds", "long")):
        if fault:
            document["style"][name] = fault
        body = {k: v for k, v in document.items() if k not in ("schema", "made_from")}
        document["made_from"]["as_written"] = store.digest(body)
        path.write_text(json.dumps(document))
        lock(job, start=100, end=130, show="wide")
        if fault:
            with pytest.raises(StoreError, match=r"cutlist\.json: style"):
                pipeline.current_cut(job, keep=False)
        else:
            assert (100, 130, ()) in shown(pipeline.current_cut(job, keep=False))
            assert "style.sparkle is of another version" in caplog.text


def give_old_names(path, place):
    """Write the style values of a document under the names that an earlier version gave them."""
    document = json.loads(path.read_text())
    head = {key: document.pop(key) for key in ("schema", "made_from")}
    parent = document
    for key in place[:-1]:
        parent = parent[key]
    old_names = {new: old for old, new in NEW_NAMES.items()}
    values = parent[place[-1]]
    parent[place[-1]] = {old_names.get(name, name): value for name, value in values.items()}
    assert parent[place[-1]].keys() & NEW_NAMES.keys()
    head["made_from"]["as_written"] = store.digest(document)
    if path.name == "cutlist.json":
        head["made_from"]["inputs"] = "with the old names in it"
    path.write_text(json.dumps({**head, **document}))


def test_a_folder_with_old_names_of_style_values_goes_on_working(job, work, caplog):
    values = {"wrong_speaker_penalty": 2.0, "off_screen_prior": 0.3, "obscure_others": "dim",
              "expected_turn_seconds": 1.0, "speech_threshold": 0.5,
              "break_long_singles_with": "listener"}  # fmt: skip
    before = pipeline.cut(said(job, style_values=values))
    done = list(work)
    cutlist, options = job.folder / "cutlist.json", job.folder / "options.json"
    give_old_names(cutlist, ["style"])
    give_old_names(options, ["options", "style_values"])
    written = cutlist.read_bytes(), options.read_bytes()
    caplog.clear()

    assert not store.load_cut_list(job.folder, before.media).edited
    assert pipeline.cached_cut(job) == pipeline.current_cut(job) == before
    assert (cutlist.read_bytes(), options.read_bytes()) == written
    assert pipeline.cut(job) == before  # in the style of options.json
    style = json.loads(cutlist.read_text())["style"]
    assert {name: style[name] for name in values} == values
    options.unlink()
    give_old_names(cutlist, ["style"])
    lock(job, start=100, end=130, show="wide")
    assert (100, 130, ()) in shown(pipeline.current_cut(job))
    give_old_names(cutlist, ["style"])
    pipeline.cut(job)  # in the style of cutlist.json, as an older version wrote no options.json
    style = json.loads(cutlist.read_text())["style"]
    assert {name: style[name] for name in values} == values
    assert work == done
    assert not caplog.records


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("options.json", '"style_values": {', '"style_values": {"hide": "dim", '),
        ("cutlist.json", '"style": {', '"style": {"hide": "dim", '),
    ],
)
def test_a_style_value_under_both_its_names_is_one_line(job, work, file, old, new):
    pipeline.cut(said(job, style_values={"obscure_others": "blur"}))
    edit(job, old, new, file)
    if file == "cutlist.json":
        (job.folder / "options.json").unlink()

    with pytest.raises(StoreError, match=rf"{file}: .*hide is the old name of obscure_others"):
        pipeline.cut(job)


# --- sources and processes ------------------------------------------------------------------------


def test_nothing_is_kept_of_a_source_that_is_still_being_written(clip, tmp_path, work, monkeypatch):
    source = tmp_path / "growing.mp4"
    source.write_bytes(clip.read_bytes())

    @contextmanager
    def detector(name, **_):
        with source.open("ab") as file:
            file.write(b"more")
        yield lambda picture: (np.empty((0, 4), np.float32), np.empty(0, np.float32))

    monkeypatch.setattr(choose, "choose_detector", detector)
    with pytest.raises(MediaError, match=r"growing\.mp4: was changed while it was read"):
        pipeline.analyze(Job(source, tmp_path))
    assert not list(tmp_path.rglob("detections.npz"))


def test_the_second_process_waits_for_the_first_and_a_dead_one_stops_nobody(tmp_path, caplog):
    script = (
        "import sys, time; from pathlib import Path; from otio_speakerzoom import store\n"
        "with store.exclusive_lock(Path(sys.argv[1])):\n"
        "    print('in', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert other.stdout.readline() == "in\n"

    class KillsAsItIsSaid(logging.Handler):
        def emit(self, record):
            assert "waiting for it" in record.getMessage()
            other.kill()

    log, handler = logging.getLogger("otio_speakerzoom.store.folder_lock"), KillsAsItIsSaid()
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        with store.exclusive_lock(tmp_path):
            assert other.wait() < 0
    finally:
        log.removeHandler(handler)
        other.stdout.close()
