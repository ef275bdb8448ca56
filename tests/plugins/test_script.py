"""The script for Resolve, run against a fake Resolve that can be switched into each known trap."""

import ast
import re
import tempfile
from dataclasses import replace
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import pytest
import strategies
from conftest import REPOSITORY
from host import EDITIONS, Host
from hypothesis import given
from hypothesis import strategies as st
from lua import runtime
from lupa.lua51 import LuaRuntime as Lua51

from otio_speakerzoom.model import (
    AudioStream,
    Box,
    CropKey,
    CutList,
    FrameRange,
    Media,
    Person,
    Shot,
    TwoUp,
)
from otio_speakerzoom.plugins.mailbox import RECIPE
from otio_speakerzoom.timecode import one_hour_frames
from otio_speakerzoom.timeline.tracks import video_tracks
from otio_speakerzoom.timeline.transform import Transform, crop_of, fill, fit

SCRIPT = REPOSITORY / "adapters" / "resolve" / "SpeakerZoom.lua"
WIDE = Box(0, 0, 1920, 1080)


def talk(**fields):
    media = Media(
        Path("/film/Gespräch.mp4"), Fraction(25), 300, (1920, 1080),
        audio_streams=(AudioStream(48000, 2, Fraction(0)),),
    )  # fmt: skip
    shots = (
        Shot(FrameRange(0, 100), (1,), Box(0, 0, 960, 540), "Ann speaks", 0.9),
        Shot(FrameRange(100, 220), (), WIDE),
        Shot(FrameRange(220, 300), (2,), Box(960, 540, 1920, 1080), "", 0.3),
    )
    people = (Person(1, (1,), "Ann"), Person(2, (2,), "Bob"))
    return replace(CutList(media, (1920, 1080), shots, people), **fields)


def stacked():
    angles = (
        Shot(FrameRange(0, 300), (), WIDE),
        Shot(FrameRange(0, 300), (1,), Box(0, 0, 960, 540)),
        Shot(FrameRange(50, 300), (2,), Box(960, 540, 1920, 1080)),
    )
    return talk(angles=angles)


def moving():
    keys = (CropKey(0, Box(0, 0, 960, 540)), CropKey(50, Box(10, 0, 970, 540)))
    shots = talk().shots
    return talk(shots=(replace(shots[0], keys=keys), *shots[1:]))


def with_two_up():
    first, second, third = talk().shots
    two_up = TwoUp("side_by_side", Box(1240, 100, 1720, 640))
    halves = replace(second, subjects=(1, 2), crop=Box(200, 100, 680, 640), two_up=two_up)
    return talk(shots=(first, halves, third))


@pytest.fixture(params=("free", "studio"))
def host(request, tmp_path):
    """A function that opens a project in each edition."""

    def open_host(cut_list=None, **traps):
        return Host(tmp_path, cut_list or talk(), request.param, **traps)

    return open_host


def assert_equals_plan(timeline, cut_list, *, tolerance=1e-6):
    """Frames, transforms and switches of each clip, by Resolve's law and by none of our code."""
    begin, base = cut_list.range.start, round(cut_list.media.rate)
    first = one_hour_frames(base, drop=cut_list.media.drop_frame)
    tracks = [track for track in timeline["tracks"]["video"] if items_of(track)]
    plan = video_tracks(cut_list)
    assert timeline["start"] == first
    assert len(tracks) == len(plan)
    for track, (_, clips) in zip(tracks, plan, strict=True):
        items = sorted(items_of(track), key=lambda item: item["start"])
        assert [(i["start"] - first, i["source"], i["duration"], i["enabled"]) for i in items] == [
            (c.shot.range.start - begin, c.shot.range.start, c.shot.range.duration, c.enabled)
            for c in clips
        ]
        assert not any(item["ghost"] for item in items)
        for item, clip in zip(items, clips, strict=True):
            if not clip.shot.keys:
                visible = crop_by_resolve(item["properties"], cut_list)
                assert visible == pytest.approx(meant(clip, cut_list), abs=tolerance * 4096)


def items_of(track):
    return track["items"] if isinstance(track["items"], list) else list(track["items"].values())


def crop_by_resolve(properties, cut_list):
    """What Resolve shows of the source: one unit of pan moves by the scaled frame's part of it."""
    size, canvas = cut_list.media.size, cut_list.canvas
    base = {2: fit, 3: fill}[properties["Scaling"]](size, canvas)
    zoom = properties["ZoomX"]
    assert properties["ZoomY"] == zoom
    dx = properties["Pan"] * size[0] * base / canvas[0]
    dy = -properties["Tilt"] * size[1] * base / canvas[1]
    return crop_of(Transform(zoom * base, dx, dy), size, canvas).edges


def meant(clip, cut_list):
    """What a clip shows on the whole canvas; beyond its half of a two-up too."""
    if not clip.half:
        return centred(clip.shot.crop, cut_list)
    left, top, right, bottom = clip.crop.edges
    assert clip.half.layout == "side_by_side"
    if clip.half.is_second:
        return 2 * left - right, top, right, bottom
    return left, top, 2 * right - left, bottom


def centred(crop, cut_list):
    """A crop cut down, about its centre, to the shape of the canvas."""
    width, height = cut_list.canvas
    scale = max(width / crop.width, height / crop.height)
    x, y = crop.centre
    return (x - width / scale / 2, y - height / scale / 2,
            x + width / scale / 2, y + height / scale / 2)  # fmt: skip


# --- the script as a file -------------------------------------------------------------------------


def test_the_script_is_short_and_ascii_and_lua_5_1():
    text = SCRIPT.read_text("ascii")

    assert len(text.splitlines()) <= 500
    for lua in (Lua51(encoding=None), runtime()):
        lua.eval("function(text) return assert(loadstring(text)) end")(text.encode())


def test_the_script_runs_no_host_function_without_asking():
    """Every method is called through `ask`, which looks first; `stream` is Lua's own file."""
    code = re.sub(r"--.*|\"[^\"]*\"|`[^`]*`", "", SCRIPT.read_text("ascii"))
    methods = re.findall(r"([\w)\]]+):(\w+)\(", code)

    assert {name for _, name in methods} <= {"byte", "close", "find", "format", "gsub", "match",
                                             "sub", "write", "lower"}  # fmt: skip


def test_the_fake_has_the_names_of_the_published_interface():
    try:
        stubs = files("fusionscript-stubs") or []
    except PackageNotFoundError:
        pytest.skip("fusionscript-stubs is not installed")
    published = classes_in(next(f for f in stubs if f.name == "fusionscript.pyi").read_text())

    with tempfile.TemporaryDirectory() as folder:
        fake = Host(Path(folder), talk()).classes
    for name, methods in fake.items():
        assert methods <= published[name], name
    names = re.findall(r'\bask\(.+?, "(\w+)"', SCRIPT.read_text("ascii"))
    ours = {"SetPrefs", "GetPrefs", "SavePrefs"}  # of Fusion, which the package leaves out
    assert set(names) - ours <= set().union(*published.values())
    assert len(set(names)) > 40


def classes_in(stubs):
    """{class: its methods} of a file of type stubs."""
    return {
        node.name: {part.name for part in node.body if isinstance(part, ast.FunctionDef)}
        for node in ast.parse(stubs).body
        if isinstance(node, ast.ClassDef)
    }


# --- a Resolve that works -------------------------------------------------------------------------


def test_a_recipe_becomes_a_timeline_equal_to_the_plan(host):
    resolve = host(names=["Other"])

    answer = resolve.answer()

    assert (answer.get("state"), answer.get("way")) == ("done", "direct")
    assert answer.get("name") == resolve.current == "Gespräch"
    assert set(resolve.timelines) == {"Other", "Gespräch"}
    assert_equals_plan(resolve.timelines["Gespräch"], resolve.cut_list)


def test_the_audio_comes_with_each_clip(host):
    resolve = host()

    resolve.answer()

    (audio,) = resolve.timelines["Gespräch"]["tracks"]["audio"]
    assert [(i["source"], i["duration"]) for i in audio["items"]] == [(0, 100), (100, 120),
                                                                      (220, 80)]  # fmt: skip


def test_a_source_without_audio_gets_none(host):
    resolve = host(talk(media=replace(talk().media, audio_streams=())))

    assert resolve.answer().get("way") == "direct"
    (audio,) = resolve.timelines["Gespräch"]["tracks"]["audio"]
    assert not audio["items"]


def test_other_angles_are_disabled_clips_on_tracks_of_their_own_with_one_linked_audio(host):
    resolve = host(stacked())

    assert resolve.answer().get("way") == "direct"

    timeline = resolve.timelines["Gespräch"]
    assert_equals_plan(timeline, resolve.cut_list)
    assert [track["name"] for track in timeline["tracks"]["video"]] == ["Wide", "Ann", "Bob"]
    (audio,) = timeline["tracks"]["audio"]
    placed = sorted((item["source"], item["linked"]) for item in audio["items"])
    assert placed == [(0, True), (100, True), (220, True)]
    assert [i["enabled"] for i in timeline["tracks"]["video"][1]["items"]] == [True, False]


def test_each_shot_has_a_colour_of_its_person_and_a_marker_with_its_id(host):
    resolve = host()

    answer = resolve.answer()

    timeline = resolve.timelines["Gespräch"]
    colours = [item["colour"] for item in timeline["tracks"]["video"][0]["items"]]
    marks = timeline["markers"]
    assert answer.get("refusals") == "0"
    assert colours == ["Orange", "Beige", "Teal"]
    assert {frame: mark["customData"] for frame, mark in marks.items()} == {
        0: "speakerzoom/1/0-100", 100: "speakerzoom/1/100-220", 220: "speakerzoom/1/220-300",
    }  # fmt: skip
    assert [marks[frame]["color"] for frame in (0, 100, 220)] == ["Green", "Green", "Red"]
    assert marks[0]["note"] == "Ann speaks (confidence 0.90)"


def test_a_recording_that_is_not_in_the_media_pool_is_imported(host):
    resolve = host(not_in_pool=True)

    assert resolve.answer().get("way") == "direct"
    assert_equals_plan(resolve.timelines["Gespräch"], resolve.cut_list)


# --- recipes that are not for now -----------------------------------------------------------------


def test_an_old_recipe_is_not_built(host):
    resolve = host()
    resolve.recipe.content["created"] -= 601

    assert "answer" not in resolve.post().run()
    assert not resolve.timelines


def test_a_recipe_is_built_once_even_if_nobody_removes_it(host):
    resolve = host()
    resolve.answer()

    again = resolve.run()

    assert (resolve.mailbox / RECIPE).exists()
    assert set(resolve.timelines) == {"Gespräch"}
    assert again["answer"].get("state") == "done"


@pytest.mark.parametrize("text", ["return 1", "return {}", "return {", "error('x')",
                                  "x = 1 return {id = '1'}", "os.exit()"])  # fmt: skip
def test_a_file_that_is_no_recipe_does_nothing(host, text):
    resolve = host()
    (resolve.mailbox / RECIPE).write_text(text)

    assert "answer" not in resolve.run()
    assert not resolve.timelines


def test_a_recipe_sees_nothing_of_the_host_and_changes_nothing(host):
    resolve = host()
    text = resolve.recipe.text().replace("return", "leak = resolve or string or 1 return", 1)
    (resolve.mailbox / RECIPE).write_text(text)

    assert resolve.run()["answer"].get("state") == "done"
    assert b"leak" not in resolve.lua.globals()


def test_a_recipe_of_another_version_says_to_install_again(host):
    resolve = host()
    resolve.recipe.content["format"] = 2

    answer = resolve.answer()

    assert answer.get("state") == "refused"
    assert "install resolve" in answer.get("reason")


# --- traps ----------------------------------------------------------------------------------------

BUILT_DIRECTLY = {
    "endFrame belongs to the clip": {"end_frame": "inclusive"},
    "the name is taken": {"names": ["Gespräch", "Gespräch 2"]},
    "new tracks are locked": {"locked_track": True},
    "a batch gives nil": {"nil_batches": "many"},
    "properties are rounded": {"set_property": "rounded"},
    "an old version without some functions": {
        "missing": {"GetLeftOffset": True, "GetClipEnabled": True, "GetIsTrackLocked": True,
                    "GetSelectedClips": True}},
    "the host does not tell whether clips are online": {"no_status": True},
    "the project has no name": {"untitled": True},
    "colours are refused": {"no_colours": True},
}  # fmt: skip
IMPORTED = {
    "properties are ignored": {"set_property": "ignored"},
    "properties are clipped": {"set_property": "clipped"},
    "the last of a batch is a ghost": {"ghosts": "last"},
    "nothing is placed": {"nil_batches": "all"},
    "clips vanish on saving": {"vanish_on_save": True},
    "a clip starts at another frame of the source": {"source_slips": True},
    "audio is missing": {"silent": True},
    "there is audio that nobody placed": {"extra_audio": True},
    "the clip has another rate": {"clip_rate": 24.0},
    "the recording cannot be imported by itself": {"not_in_pool": True, "no_import_media": True},
    "the host stays on another timeline": {"stays_on_other": True, "names": ["Other"]},
    "it imports with its clips only": {"set_property": "ignored", "import": "needs clips"},
    "it imports without its clips only": {"set_property": "ignored", "import": "refuses clips"},
}  # fmt: skip
REFUSED = {
    "no rate can be set, and nothing imported": {"rate_refused": True, "import": "nil"},
    "the import loses a clip": {"set_property": "ignored", "import": "lossy"},
    "the import is offline": {"set_property": "ignored", "import": "offline"},
    "the import gives nothing back": {"set_property": "ignored",
                                      "import": "creates but returns nil"},
    "the media is offline": {"offline": True},
    "the media cannot be imported": {"not_in_pool": True, "no_import_media": True,
                                     "import": "offline"},
    "no page": {"no_page": True},
    "no project": {"no_project": True},
    "a dialog is open": {"modal": True},
}  # fmt: skip


def cut_for(traps):
    """A clipped zoom needs a crop beyond the fake's limit of 2."""
    if traps.get("set_property") != "clipped":
        return talk()
    first, *rest = talk().shots
    return talk(shots=(replace(first, crop=Box(0, 0, 480, 270)), *rest))


@pytest.mark.parametrize("traps", BUILT_DIRECTLY.values(), ids=BUILT_DIRECTLY)
def test_these_traps_are_avoided(host, traps):
    resolve = host(**traps)
    before = resolve.timelines

    answer = resolve.answer()

    assert (answer.get("state"), answer.get("way")) == ("done", "direct")
    assert before.items() <= resolve.timelines.items()
    timeline = resolve.timelines[answer.get("name")]
    assert_equals_plan(
        timeline, resolve.cut_list, tolerance=1e-4 if "set_property" in traps else 1e-6
    )
    assert set(resolve.timelines) == {*traps.get("names", []), answer.get("name")}
    assert answer.get("saved") == str(not traps.get("untitled", False)).lower()


@pytest.mark.parametrize("traps", IMPORTED.values(), ids=IMPORTED)
def test_in_these_traps_the_file_is_imported_instead_and_the_answer_says_so(host, traps):
    resolve = host(cut_for(traps), **traps)
    before = resolve.timelines

    answer = resolve.answer()

    assert before.items() <= resolve.timelines.items()

    assert (answer.get("state"), answer.get("way")) == ("done", "otio")
    assert answer.get("fallback")
    assert set(resolve.timelines) == {*traps.get("names", []), answer.get("name")}
    assert_equals_plan(resolve.timelines[answer.get("name")], resolve.cut_list)


@pytest.mark.parametrize("traps", REFUSED.values(), ids=REFUSED)
def test_in_these_traps_nothing_stays_behind_and_the_answer_says_why(host, traps):
    resolve = host(names=["Other"], **traps)
    before = resolve.timelines

    answer = resolve.answer()

    assert answer.get("state") == "refused"
    assert answer.get("reason")
    assert resolve.timelines == before


def test_a_file_that_is_gone_is_offline_if_the_host_does_not_tell(host):
    media = replace(talk().media, path=Path("/film/talk.mp4"))

    answer = host(talk(media=media), no_status=True, gone=True).answer()

    assert answer.get("state") == "refused"
    assert "offline" in answer.get("reason")


def test_a_name_beyond_ascii_is_not_looked_for_because_lua_may_not_find_it(host):
    assert host(no_status=True, gone=True).answer().get("way") == "direct"


def test_the_setting_to_change_is_named_where_resolve_refuses_the_rate(host):
    answer = host(**{"rate_refused": True, "import": "nil"}).answer()

    assert "timelineFrameRate is 24 instead of 25" in answer.get("reason")
    assert "Project Settings" in answer.get("reason")


def test_moving_crops_are_always_imported_because_scripts_set_no_keyframes(host):
    resolve = host(moving())

    answer = resolve.answer()

    assert answer.get("way") == "otio"
    assert "keyframes" in answer.get("fallback")
    assert not answer.get("doubt")
    assert_equals_plan(resolve.timelines["Gespräch"], resolve.cut_list)


def test_what_cannot_be_deleted_is_named(host):
    answer = host(delete_fails=True, set_property="ignored").answer()

    assert answer.get("state") == "refused"
    assert answer.all("remains") == ["Gespräch"]


@pytest.mark.parametrize("calls", range(5, 260, 17))
def test_a_dialog_that_opens_in_between_leaves_nothing_unsaid(host, calls):
    resolve = host(names=["Other", "Gespräch"], modal_after=calls)

    answer = resolve.answer()

    left = set(resolve.timelines) - {"Other", "Gespräch"}
    assert {"Other", "Gespräch"} <= set(resolve.timelines)
    assert answer.get("state") == "refused" or answer.get("way") == "direct"
    if answer.get("state") == "refused":
        assert left <= set(answer.all("remains"))


def test_a_timeline_of_the_users_is_never_touched(host):
    before = host(names=["Gespräch", "Other"]).timelines
    resolve = host(**{"names": ["Gespräch", "Other"], "set_property": "ignored", "import": "nil"})

    resolve.answer()

    assert resolve.timelines == before
    assert resolve.current == "Gespräch"


# --- the other errands ----------------------------------------------------------------------------


def test_the_selected_clips_are_handed_over(host):
    resolve = host(select_media=True)

    message = resolve.run()["clips"]

    assert message.all("path") == ["/film/Gespräch.mp4"]


def test_without_a_selection_the_clip_under_the_playhead_is_handed_over(host):
    resolve = host(names=["Other"], playhead=True)

    assert resolve.run()["clips"].all("path") == ["/film/Gespräch.mp4"]


@pytest.mark.parametrize(
    ("traps", "reason"),
    [({"compound": True}, "compound"), ({}, "select"), ({"no_project": True}, "no project"),
     ({"no_page": True}, "no page"), ({"modal": True}, "dialog")],
)  # fmt: skip
def test_what_cannot_be_handed_over_is_explained(host, traps, reason):
    assert reason in host(**traps).run()["nothing"].get("reason")


def test_the_console_of_studio_shows_what_happened(host):
    resolve = host()
    resolve.run()

    expected = [b"SpeakerZoom: nothing: no clip is selected"] if resolve.edition == "studio" else []
    assert [line.partition(b";")[0] for line in resolve.printed] == expected


def test_a_timeline_of_ours_is_exported_to_the_outbox(host):
    resolve = host()
    resolve.answer()

    message = resolve.run()["timeline"]

    (file,) = resolve.exported
    assert message.get("path") == file
    assert Path(file).parent == resolve.mailbox / "outbox"
    assert Path(file).name.isascii()
    assert message.get("media") == "/film/Gespräch.mp4"


@pytest.mark.parametrize("traps", [{"export_fails": True}, {"no_otio_export": True}])
def test_an_export_that_fails_says_how_to_do_it_by_hand(host, traps):
    resolve = host(**traps)
    resolve.answer()

    assert "File > Export" in resolve.run()["nothing"].get("reason")


# --- any cut, any trap ----------------------------------------------------------------------------

ANY_TRAPS = st.fixed_dictionaries(
    {"edition_": st.sampled_from(EDITIONS)},
    optional={
        "end_frame": st.just("inclusive"),
        "set_property": st.sampled_from(("ignored", "clipped")),
        "ghosts": st.just("last"),
        "nil_batches": st.sampled_from(("many", "all")),
        "vanish_on_save": st.just(True),
        "rate_refused": st.just(True),
        "names": st.just(["talk", "Gespräch über Ärger"]),
        "locked_track": st.just(True),
        "offline": st.just(True),
        "not_in_pool": st.just(True),
        "untitled": st.just(True),
        "no_colours": st.just(True),
        "no_page": st.just(True),
        "import": st.sampled_from(("nil", "needs clips", "refuses clips", "lossy", "offline")),
        "modal_after": st.integers(1, 400),
    },
)


EACH_MODE = (*BUILT_DIRECTLY.values(), *IMPORTED.values(), *REFUSED.values(), {})


@given(strategies.cut_lists(), st.sampled_from(EACH_MODE), st.sampled_from(EDITIONS))
def test_in_every_mode_a_timeline_equals_the_plan_or_the_file_is_imported(cut_list, traps, edition):
    tolerance = 1e-4 if traps.get("set_property") == "rounded" else 1e-6
    assert_whole(cut_list, edition, traps, tolerance)


@given(strategies.rich_cut_lists(), ANY_TRAPS)
def test_in_any_combination_of_traps_nothing_half_built_stays_behind(cut_list, traps):
    assert_whole(cut_list, traps.pop("edition_"), traps)


def test_a_dialog_after_refused_imports_makes_no_timeline_of_them(host):
    """Resolve made none of the names that it refused, so none of them may stay behind."""
    traps = {"end_frame": "inclusive", "vanish_on_save": True, "import": "refuses clips"}
    answers = []
    for calls in range(150, 400):
        resolve = host(modal_after=calls, **traps)
        answers.append(resolve.answer())
        if answers[-1].get("state") == "done":
            assert answers[-1].all("remains") == []
    assert {answer.get("state") for answer in answers} == {"done", "refused"}


def assert_whole(cut_list, edition, traps, tolerance=1e-6):
    with tempfile.TemporaryDirectory() as folder:
        resolve = Host(Path(folder), cut_list, edition, **traps)
        before = resolve.timelines
        answer = resolve.answer()
        timelines = resolve.timelines

    assert before.items() <= timelines.items()
    ours = set(timelines) - set(traps.get("names", ()))
    if answer.get("state") == "done":
        assert ours == {answer.get("name"), *answer.all("remains")}
        assert_equals_plan(timelines[answer.get("name")], cut_list, tolerance=tolerance)
        assert answer.get("way") == "direct" or answer.get("fallback")
        assert answer.get("way") == "otio" or not any(shot.keys for shot in cut_list.shots)
    else:
        assert answer.get("reason")
        assert ours <= set(answer.all("remains"))
        assert not ours or "modal_after" in traps


def test_two_ups_are_always_imported_because_scripts_cannot_crop_at_the_seam(host):
    resolve = host(with_two_up())

    answer = resolve.answer()

    assert answer.get("way") == "otio"
    assert "two-ups" in answer.get("fallback")
    assert not answer.get("doubt")
    assert_equals_plan(resolve.timelines["Gespräch"], resolve.cut_list)
