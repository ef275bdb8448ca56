"""No work of a user is lost: names, locks, edits, an hour's analysis. Stages are faked."""

import json
import logging
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from two_faces import LEFT, RIGHT, edit, files, in_part, lock, shots_of, with_options

from otio_speakerzoom import pipeline, store
from otio_speakerzoom.errors import MediaError, SpeakerZoomError, StoreError
from otio_speakerzoom.faces.detectors import choose
from otio_speakerzoom.model import (
    Box,
    FaceTrack,
    FrameRange,
    Lock,
    Person,
    Sighting,
)
from otio_speakerzoom.pipeline import Job, Options, plan_cut
from otio_speakerzoom.pipeline.locks import resolve_locks
from otio_speakerzoom.pipeline.reconcile import (
    MAX_SIGHTINGS_PER_PERSON,
    EarlierPerson,
    reconcile_people,
    sample_sightings,
)

pytest_plugins = ["faked_stages"]  # a second conftest.py would hide the first from imports

# --- a part is a slice of the whole ---------------------------------------------------------------


def test_a_part_of_an_analyzed_source_is_a_slice_and_changes_nothing(job, stage_runs):
    pipeline.analyze(job)
    edit(job, '"name": ""', '"name": "Ada"', "people.json")
    before = files(job)
    del stage_runs[:]
    part = pipeline.analyze(in_part(job, 60, 200))
    cut_list = pipeline.cut(in_part(job, 60, 200))

    assert stage_runs == []
    assert part.within == FrameRange(60, 200) == cut_list.range
    assert all(t.start >= 60 and t.range.end <= 200 for t in part.tracks)
    assert part.voice.start == 60
    assert len(part.voice.probability) == 140
    assert [person.name for person in cut_list.people] == ["Ada", ""]
    after = files(job)
    assert {name: after[name] for name in before if name != "options.json"} == {
        name: content for name, content in before.items() if name != "options.json"
    }


def test_the_part_persists_until_another_one_is_requested(job, stage_runs, caplog):
    caplog.set_level(logging.INFO)
    pipeline.analyze(job)
    pipeline.cut(in_part(job, 60, 200))
    assert "as last time" not in caplog.text
    assert pipeline.cut(
        with_options(job, style_values={"min_shot_seconds": 1.0})
    ).range == FrameRange(60, 200)
    assert "frames 60 to 200 of 300, as last time; --in 0s takes the whole" in caplog.text
    assert pipeline.cut(in_part(job, 0, 300)).range == FrameRange(0, 300)


def test_analyzing_a_part_does_not_change_the_part_of_the_cut(job, stage_runs):
    pipeline.cut(job)
    pipeline.analyze(in_part(job, 60, 200))
    assert pipeline.cut(
        with_options(job, style_values={"min_shot_seconds": 1.0})
    ).range == FrameRange(0, 300)


def test_a_part_has_its_own_folder_and_the_whole_inherits_its_names(job, stage_runs):
    pipeline.cut(in_part(job, 60, 200))
    folder = job.folder / "parts" / "60-200"
    assert (folder / "scores.npz").exists()
    assert not (job.folder / "scores.npz").exists()
    path = folder / "people.json"
    path.write_text(path.read_text().replace('"name": ""', '"name": "Ada"', 1))
    assert [person.name for person in pipeline.cached_cut(job).people] == ["Ada", ""]
    of_the_part = {name: data for name, data in files(job).items() if name.startswith("parts/")}
    whole = pipeline.analyze(in_part(job, 0, 300))

    assert [(person.id, person.name) for person in whole.people] == [(1, "Ada"), (2, "")]
    assert of_the_part.items() <= files(job).items()


def test_a_part_with_another_detector_does_not_change_the_whole(job, stage_runs):
    pipeline.cut(job)
    before = files(job)
    pipeline.analyze(in_part(with_options(job, detector="yunet"), 40, 70))
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


# --- options persist ------------------------------------------------------------------------------


def test_a_new_style_needs_no_new_analysis(job, stage_runs):
    pipeline.cut(with_options(job, channels="1", scorer="motion", detect_every=5, layout="stacked"))
    assert sorted(stage_runs) == [  # the audio is analysed beside the frames
        "detect voice in None, 1", "detect with blazeface", "score with motion",
    ]  # fmt: skip
    calm = pipeline.cut(with_options(job, style="calm", style_values={"min_shot_seconds": 3.5}))
    lean = pipeline.cut(with_options(job, style_values={"lead_room": 0.0}))

    assert len(stage_runs) == 3
    assert calm.angles
    assert lean.angles
    style = json.loads((job.folder / "cutlist.json").read_text())["style"]
    assert (style["min_shot_seconds"], style["lead_room"]) == (3.5, 0.0)
    assert style["face_heights"] == 4.4  # of calm


def test_every_default_can_be_restored(job, stage_runs):
    pipeline.cut(with_options(job, channels="1", scorer="motion", style="calm", layout="stacked"))
    plain = Options(channels="auto", scorer="auto", style="standard", layout="programme")
    cut_list = pipeline.cut(replace(job, options=plain))

    assert stage_runs[-2:] == ["detect voice in None, None", "score with sync-asd"]
    assert cut_list.angles == ()
    style = json.loads((job.folder / "cutlist.json").read_text())["style"]
    assert style["min_shot_seconds"] == 2.0


def test_the_canvas_persists(job, stage_runs):
    pipeline.cut(replace(job, canvas=lambda media: (180, 320)))
    assert pipeline.cut(job).canvas == (180, 320)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
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
def test_invalid_options_are_refused_in_one_line(job, stage_runs, old, new, fault):
    pipeline.cut(job)
    edit(job, old, new, "options.json")

    with pytest.raises(StoreError, match=fault):
        pipeline.cut(job)


# --- reading changes nothing ----------------------------------------------------------------------


def test_a_render_shows_the_cached_cut_and_changes_nothing(job, stage_runs):
    cached = pipeline.cut(job)
    before = files(job)
    del stage_runs[:]
    part = pipeline.view_cut(in_part(job, 80, 160))
    small = pipeline.view_cut(replace(job, canvas=lambda media: (160, 90)))
    tall = pipeline.view_cut(replace(job, canvas=lambda media: (180, 320)))
    calm = pipeline.view_cut(with_options(job, style_values={"min_shot_seconds": 6.0}))

    assert stage_runs == []
    assert len(cached.shots) > 2
    assert part.range == FrameRange(80, 160)
    for shot in part.shots:
        (whole,) = [
            s for s in cached.shots
            if s.range.start <= shot.range.start and shot.range.end <= s.range.end
        ]  # fmt: skip
        assert (shot.subjects, shot.crop) == (whole.subjects, whole.crop)
    assert (small.canvas, small.shots) == ((160, 90), cached.shots)
    assert tall.canvas == (180, 320)
    assert all(shot.crop.height > shot.crop.width for shot in tall.shots)
    assert min(shot.range.duration for shot in calm.shots) >= 150
    assert files(job) == before
    assert pipeline.current_cut(job) == cached


def test_an_edited_cut_is_rendered_in_another_shape_with_its_own_shots(job, stage_runs):
    cached = pipeline.cut(job)
    edit(job, f'"end": {cached.shots[0].range.end},', '"end": 70,')
    edit(job, f'"start": {cached.shots[1].range.start},', '"start": 70,')
    tall = pipeline.view_cut(replace(job, canvas=lambda media: (180, 320)))

    assert shots_of(tall)[:2] == [(0, 70, cached.shots[0].subjects), (70, *shots_of(cached)[1][1:])]
    assert not any(shot.locked for shot in tall.shots)


def test_a_render_before_any_cut_does_not_set_the_canvas(job, stage_runs):
    film = pipeline.view_cut(replace(job, canvas=lambda media: (180, 180), force=True))
    exported = pipeline.current_cut(job)

    assert film.canvas == (180, 180)
    assert exported.canvas == (320, 180)
    assert [shot.range for shot in film.shots] == [shot.range for shot in exported.shots]


def test_an_edited_media_json_is_read_from_the_source_again(job, stage_runs):
    pipeline.cut(job)
    edit(job, '"duration": 300', '"duration": 200', "media.json")
    assert pipeline.open_session(job).media.duration == 300


def test_a_render_refuses_options_of_another_analysis(job, stage_runs):
    pipeline.cut(in_part(job, 60, 200))
    with pytest.raises(SpeakerZoomError, match="frames 0 to 100, but the cut has frames 60"):
        pipeline.view_cut(in_part(job, 0, 100))
    with pytest.raises(SpeakerZoomError, match="was planned with --channels auto"):
        pipeline.view_cut(with_options(job, channels="1"))
    with pytest.raises(SpeakerZoomError, match=r"every auto; run .* --detect-every 5"):
        pipeline.view_cut(with_options(job, detect_every=5))
    with pytest.raises(SpeakerZoomError, match="cut --force"):
        pipeline.view_cut(replace(job, force=True))


def test_a_refused_render_names_automatic_values_as_on_the_command_line(job, stage_runs):
    pipeline.cut(with_options(job, audio_stream=1))
    with pytest.raises(SpeakerZoomError, match=r"--audio-stream 1; run .* --audio-stream auto "):
        pipeline.view_cut(with_options(job, audio_stream=0))


# --- locks ----------------------------------------------------------------------------------------


def test_export_obeys_a_lock_and_adds_its_sightings(job, stage_runs):
    pipeline.cut(job)
    lock(job, start=100, end=130, show=2)
    preview = pipeline.current_cut(job, save=False)
    assert '"framed_for"' in (job.folder / "cutlist.json").read_text()
    assert (100, 130, (2,)) in shots_of(preview)
    assert "locked" not in (job.folder / "cutlist.json").read_text()

    exported = pipeline.current_cut(job)
    assert shots_of(exported) == shots_of(preview)
    assert pipeline.cached_cut(job) == exported
    (row,) = json.loads((job.folder / "locks.json").read_text())["locks"]
    frame, *box = row["people"][0]["sighting"]
    assert row["people"][0]["id"] == 2
    assert 100 <= frame < 130
    assert box == pytest.approx(RIGHT, abs=3)
    before = files(job)
    assert pipeline.cut(job) == exported
    assert files(job) == before


def test_locks_need_the_analysis_of_the_cut(job, stage_runs):
    cached = pipeline.cut(job)
    lock(job, start=100, end=130, show="wide")
    (job.folder / "scores.npz").unlink()
    before = files(job)

    with pytest.raises(StoreError, match="planned from is gone"):
        pipeline.current_cut(job)
    assert files(job) == before
    (job.folder / "locks.json").unlink()
    assert pipeline.current_cut(job) == cached


def test_a_lock_of_an_unknown_person_is_refused_before_any_stage_runs(job, stage_runs):
    pipeline.cut(job)
    lock(job, start=100, end=130, show=7)
    del stage_runs[:]
    with pytest.raises(StoreError, match=r"from frame 100 to 130 shows person 7, .* are 1, 2"):
        pipeline.cut(with_options(job, detector="yunet"))
    lock(job, start=290, end=310, show="wide")
    with pytest.raises(StoreError, match=r"locks\[0\]\.end: needs 300 at most"):
        pipeline.cut(with_options(job, detector="yunet"))
    assert stage_runs == []


def test_a_lock_follows_its_person_to_another_id(job, stage_runs):
    analysis = pipeline.analyze(job)
    left, right = analysis.people
    swapped = replace(analysis, people=(replace(left, id=2), replace(right, id=1)))
    sightings = (Sighting(2, 50, Box(*RIGHT)),)
    (resolved,) = resolve_locks([Lock(FrameRange(40, 60), (2,), sightings=sightings)], swapped)

    assert resolved.subjects == (1,)
    left_only = replace(analysis, tracks=analysis.tracks[:1], people=(left,))
    with pytest.raises(StoreError, match="who was at 220, 50, 260, 100 in frame 50"):
        resolve_locks([Lock(FrameRange(40, 60), (2,), sightings=sightings)], left_only)


# --- people ---------------------------------------------------------------------------------------


def test_names_are_in_people_json_alone_and_reach_every_timeline(job, stage_runs):
    pipeline.cut(job)
    edit(job, '"name": ""', '"name": "Ada"', "people.json")
    exported = pipeline.current_cut(job)

    assert exported.people[0].name == "Ada"
    assert any(shot.reason.startswith("Ada speaking") for shot in exported.shots)
    assert "Ada" not in (job.folder / "cutlist.json").read_text()
    before = files(job)
    assert pipeline.cut(job) == exported
    assert files(job) == before


def test_people_who_are_detected_again_keep_their_ids_and_names(job, stage_runs, caplog):
    pipeline.cut(job)
    path = edit(job, '"name": ""', '"name": "Ada"', "people.json")
    named = path.read_text()
    with caplog.at_level(logging.INFO):
        anew = pipeline.analyze(replace(with_options(job, detector="yunet"), force=True))

    assert stage_runs.count("detect with yunet") == 1
    assert [person.name for person in anew.people] == ["Ada", ""]
    ada = next(t for t in anew.tracks if t.id in anew.people[0].track_ids)
    assert ada.boxes[0, 0] == pytest.approx(LEFT[0], abs=3)
    assert (job.folder / "people.json.bak-1").read_text() == named
    assert "people.json.bak-1" in caplog.text


def still(id_, start, end, box):
    boxes = np.tile(np.array(box, np.float32), (end - start, 1))
    return FaceTrack(id_, start, boxes, np.ones(end - start, bool))


def test_a_person_who_is_not_detected_again_keeps_the_name():
    then = (Person(1, (1,), "Ada"), Person(2, (2,)), Person(3, (3,), "Eve"))
    before = (still(1, 0, 50, LEFT), still(2, 0, 50, RIGHT), still(3, 60, 90, RIGHT))
    earlier_sightings = sample_sightings(then, before)
    earlier = [
        EarlierPerson(p, tuple(s for s in earlier_sightings if s.person == p.id), own=True)
        for p in then
    ]
    now = (still(7, 0, 90, RIGHT), still(8, 0, 20, (0, 0, 20, 20)))

    assert reconcile_people((Person(1, (7,)), Person(2, (8,))), now, earlier) == (
        Person(1, (), "Ada"),
        Person(2, (7,), "Eve"),
        Person(4, (8,)),  # a cached cut and locks still call Eve 3
    )


def test_who_is_ignored_or_preferred_is_cut_again_and_not_analyzed_again(job, stage_runs):
    first = pipeline.cut(job)
    del stage_runs[:]
    edit(job, '"ignore": false', '"ignore": true', "people.json")
    without = pipeline.cut(job)

    assert stage_runs == []
    assert (1,) in {shot.subjects for shot in first.shots}
    assert {shot.subjects for shot in without.shots} == {(), (2,)}
    edit(job, '"ignore": true', '"ignore": false', "people.json")
    assert pipeline.cut(job) == first


def test_an_export_and_a_render_follow_who_is_ignored_now(job, stage_runs, caplog):
    pipeline.cut(job)
    del stage_runs[:]
    edit(job, '"ignore": false', '"ignore": true', "people.json")
    before = files(job)

    assert {shot.subjects for shot in pipeline.view_cut(job).shots} == {(), (2,)}
    assert files(job) == before
    exported = pipeline.current_cut(job)
    assert {shot.subjects for shot in exported.shots} == {(), (2,)}
    assert pipeline.cut(job) == exported == pipeline.current_cut(job)
    assert stage_runs == []
    assert not caplog.records

    edit(job, '"end": ', '"end":  ')
    edit(job, '"ignore": true', '"ignore": false', "people.json")
    edit(job, exported.shots[0].reason, "mine")
    assert pipeline.current_cut(job).shots[0].reason == "mine"
    assert "people.json: is ignored, because the cut was edited" in caplog.text


def test_who_is_detected_again_is_still_ignored_or_preferred(job, stage_runs):
    pipeline.cut(job)
    edit(job, '"ignore": false', '"ignore": true', "people.json")
    anew = pipeline.analyze(replace(with_options(job, detector="yunet"), force=True))
    part = pipeline.analyze(in_part(job, 60, 200))

    assert [person.ignore for person in anew.people] == [True, False]
    assert [person.ignore for person in part.people] == [True, False]


def of_folder(people, tracks, *, own):
    sightings = sample_sightings(people, tracks, MAX_SIGHTINGS_PER_PERSON)
    return [
        EarlierPerson(p, tuple(s for s in sightings if s.person == p.id), own=own) for p in people
    ]


def test_a_preference_lasts_without_a_name_and_spreads_to_nobody_else():
    before = (still(1, 0, 50, LEFT), still(2, 0, 20, RIGHT), still(3, 20, 90, RIGHT))
    people = (Person(1, (1,), prefer=True), Person(2, (2,), ignore=True), Person(3, (3,)))
    now = (still(7, 0, 90, RIGHT),)

    assert reconcile_people((Person(1, (7,)),), now, of_folder(people, before, own=True)) == (
        Person(1, (), prefer=True),
        Person(3, (7,)),
    )


def test_the_preference_in_the_file_to_be_written_goes_before_those_of_other_parts():
    own = of_folder((Person(1, (1,)),), (still(1, 0, 20, LEFT),), own=True)
    other = of_folder((Person(1, (1,), ignore=True),), (still(1, 0, 90, LEFT),), own=False)
    other = [replace(row, sightings=row.sightings * 2) for row in other]
    now = (still(7, 0, 90, LEFT),)

    assert reconcile_people((Person(1, (7,)),), now, [*own, *other]) == (Person(1, (7,)),)
    assert reconcile_people((Person(1, (7,)),), now, other) == (Person(1, (7,), ignore=True),)


# --- edits ----------------------------------------------------------------------------------------


def test_an_edit_while_a_cut_is_planned_survives(job, stage_runs, monkeypatch, caplog):
    pipeline.cut(job)

    def slow(*arguments, **options):
        edit(job, '"reason": "', '"reason": "my own: ')
        return direct(*arguments, **options)

    direct = plan_cut.direct
    monkeypatch.setattr(plan_cut, "direct", slow)
    cut_list = pipeline.cut(with_options(job, style="calm"))

    assert cut_list.shots[0].reason.startswith("my own: ")
    assert "my own: " in (job.folder / "cutlist.json").read_text()
    assert "was edited while the cut was planned" in caplog.text


def test_an_edited_cut_is_backed_up_before_it_is_replaced(job, stage_runs):
    pipeline.cut(job)
    path = edit(job, '"reason": "', '"reason": "my own: ')
    mine = path.read_text()
    with pytest.raises(StoreError, match="was edited, and covers frames 0 to 300"):
        pipeline.cut(in_part(job, 60, 200))
    with pytest.raises(StoreError, match="was edited, and its canvas is 320x180"):
        pipeline.cut(replace(job, canvas=lambda media: (180, 180)))
    pipeline.cut(replace(job, force=True))

    assert "my own" not in path.read_text()
    assert path.with_name("cutlist.json.bak-1").read_text() == mine


def test_a_shot_whose_subject_was_edited_is_framed_for_them(job, stage_runs):
    cached = pipeline.cut(job)
    n = next(n for n, shot in enumerate(cached.shots) if shot.subjects == (1,))
    other = next(shot for shot in cached.shots if shot.subjects == (2,))
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
    crop = json.dumps([cached.shots[n].crop.left, cached.shots[n].crop.top,
                       cached.shots[n].crop.right, cached.shots[n].crop.bottom])  # fmt: skip
    edit(job, crop, own)
    assert pipeline.current_cut(job).shots[n].crop == Box(10, 10, 170, 100)


def test_an_unknown_person_in_an_edited_shot_is_reported_as_a_fault_of_the_shot(job, stage_runs):
    pipeline.cut(job)
    edit(job, '{"id": 2}', '{"id": 2},\n    {"id": 3}')
    edit(job, '"kind": "single", "subjects": [1]', '"kind": "single", "subjects": [3]')

    fault = r"cutlist\.json: the shot from frame \d+ to \d+ shows person 3.*correct its subjects"
    with pytest.raises(StoreError, match=fault):
        pipeline.current_cut(job)


def test_unknown_style_values_in_cutlist_json_are_left_out(job, stage_runs, caplog):
    pipeline.cut(job)
    path = job.folder / "cutlist.json"
    document = json.loads(path.read_text())
    document["style"]["sparkle"] = 3
    header = {key: document.pop(key) for key in ("schema", "input_digest", "provenance")}
    del document["content_digest"]
    for name, fault in (("sparkle", None), ("min_shot_seconds", "long")):
        if fault:
            document["style"][name] = fault
        content_digest = store.digest(document)
        path.write_text(json.dumps({**header, "content_digest": content_digest, **document}))
        lock(job, start=100, end=130, show="wide")
        if fault:
            with pytest.raises(StoreError, match=r"cutlist\.json: style"):
                pipeline.current_cut(job, save=False)
        else:
            assert (100, 130, ()) in shots_of(pipeline.current_cut(job, save=False))
            assert "style.sparkle is of another version" in caplog.text


# --- sources and processes ------------------------------------------------------------------------


def test_no_results_of_a_source_that_is_still_being_written_are_saved(
    clip, tmp_path, stage_runs, monkeypatch
):
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


def test_the_second_process_waits_for_the_first_and_a_dead_one_blocks_nobody(tmp_path, caplog):
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
