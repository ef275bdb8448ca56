"""The panel for Premiere: its logic under Node against a fake Premiere, and how it is written."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import strategies
from conftest import REPOSITORY
from hypothesis import given, settings
from panel import FAKE, PANEL, needs_node, run_panel
from test_script import moving, stacked, talk, with_two_up

from otio_speakerzoom.errors import TimelineError
from otio_speakerzoom.model import Box
from otio_speakerzoom.plugins.premiere_plan import plan_of
from otio_speakerzoom.service import access
from otio_speakerzoom.timeline.write import timeline_text

MODULES = sorted(PANEL.glob("*.js"))


@pytest.fixture
def deliver(tmp_path):
    """A function that lets the panel cut and import a cut list, with traps."""

    def run(cut_list, **scenario):
        return run_with(tmp_path, cut_list, **scenario)

    return run


def run_with(folder, cut_list, **scenario):
    file = folder / "talk.xml"
    file.write_text(timeline_text(cut_list, "speakerzoom_premiere_xml", {"variant": "premiere"}))
    return run_panel({"plan": plan_of(cut_list), "file": str(file), **scenario})


def assert_as_planned(cut_list, result, angles=True):
    """The one sequence of the panel has the clips of the plan, framed to 1e-4."""
    plan = plan_of(cut_list)
    (sequence,) = [s for s in result["sequences"] if s["name"] == plan["name"]]
    tracks = plan["tracks"]
    if not angles:
        cut = [clip for track in tracks for clip in track if clip["number"]]
        tracks = [sorted(cut, key=lambda clip: clip["start"])]
    assert sequence["size"] == plan["canvas"]
    assert len(sequence["tracks"]) == len(tracks)
    for items, clips in zip(sequence["tracks"], tracks, strict=True):
        assert len(items) == len(clips)
        for item, clip in zip(items, clips, strict=True):
            assert (item["start"], item["end"], item["begin"]) == (
                clip["start"], clip["end"], clip["source"][0],
            )  # fmt: skip
            assert item["disabled"] == (not clip["enabled"])
            assert item["uniform"] is True
            assert item["rotation"] == plan["rotation"]
            assert_framed(item, clip)


def assert_framed(item, clip):
    if not clip["keys"]:
        motion = clip["motion"]
        assert item["scale"] == pytest.approx(motion["scale"], rel=1e-4)
        assert item["position"] == pytest.approx([motion["x"], motion["y"]], abs=1e-4)
        return
    assert len(item["scale"]) == len(item["position"]) == len(clip["keys"])
    rows = zip(item["scale"], item["position"], clip["keys"], strict=True)
    for (at, scale, mode), (same, position, other), key in rows:
        assert at == same == key["frame"] - clip["source"][0]
        assert mode == other == 0
        assert scale == pytest.approx(key["scale"], rel=1e-4)
        assert position == pytest.approx([key["x"], key["y"]], abs=1e-4)


# --- import and check -----------------------------------------------------------------------------


@needs_node
@pytest.mark.parametrize("cut_list", [talk(), stacked(), moving()])
def test_an_import_that_is_right_is_checked_and_left_alone(deliver, cut_list):
    result = deliver(cut_list)
    number = sum(len(track) for track in plan_of(cut_list)["tracks"])

    assert result["error"] is None
    assert result["answer"] == {"message": f"{number} shots checked, 0 corrected", "notes": []}
    assert result["labels"] == []
    assert_as_planned(cut_list, result)


@needs_node
@pytest.mark.parametrize(
    ("traps", "corrected"),
    [
        ({"motion": "default"}, 2), ({"motion": "unlinked"}, 3), ({"motion": "no keys"}, 1),
        ({"motion": "default", "values": "arrays"}, 2),
        ({"motion": "default", "timecode": 90_000}, 2),
    ],
)  # fmt: skip
def test_motion_that_differs_is_corrected_in_one_step_for_all_shots(deliver, traps, corrected):
    cut_list = moving()
    result = deliver(cut_list, traps=traps)

    assert result["error"] is None, result["error"]
    assert result["answer"]["message"] == f"3 shots checked, {corrected} corrected"
    assert_as_planned(cut_list, result)
    labels = set(result["labels"])
    assert labels == {"SpeakerZoom: correct Motion"}
    # a second step only for the key that Premiere adds at the playhead
    assert len(result["labels"]) <= 2


@needs_node
def test_still_shots_are_corrected_in_exactly_one_step(deliver):
    result = deliver(talk(), traps={"motion": "default"})

    # the wide has the default framing already
    assert result["answer"]["message"] == "3 shots checked, 2 corrected"
    assert result["labels"] == ["SpeakerZoom: correct Motion"]
    assert "shot 1: scale 100 instead of 200" in result["report"]
    assert result["report"].startswith(
        "SpeakerZoom panel\nPremiere Pro 26.3.0, UXP 8.2, panel 0.1.0\n"
    )
    first = "shot 1 reads in point 0, position (0.5, 0.5), scale 100, uniform true, rotation 0"
    assert first in result["report"]


@needs_node
def test_keys_that_are_not_linear_become_linear(deliver):
    result = deliver(moving(), traps={"keys": "bezier"})

    assert result["answer"]["message"].endswith("1 corrected")
    assert_as_planned(moving(), result)


@needs_node
def test_a_scale_that_lost_a_digit_is_corrected_where_it_shows(deliver):
    first, *others = talk().shots
    cut_list = talk(shots=(replace(first, crop=Box(0, 0, 1024.8, 576.45)), *others))
    result = deliver(cut_list, traps={"motion": "rounded"})

    assert result["answer"]["message"] == "3 shots checked, 1 corrected"
    assert_as_planned(cut_list, result)


@needs_node
def test_corrections_that_premiere_ignores_are_reported(deliver):
    result = deliver(talk(), traps={"motion": "default", "values": "ignored"})

    assert result["answer"]["message"] == "3 shots checked, 0 corrected"
    assert "2 shots still differ" in result["answer"]["notes"][0]
    assert "shot 1, shot 3" in result["answer"]["notes"][0]


@needs_node
def test_angles_that_come_in_enabled_are_disabled(deliver):
    result = deliver(stacked(), traps={"angles": "enabled"})

    assert result["labels"] == ["SpeakerZoom: disable the other angles"]
    assert_as_planned(stacked(), result)


@needs_node
@pytest.mark.parametrize("trap", ["late", "silent", "two", "two late"])
def test_the_sequence_is_recognized_however_the_import_answers(deliver, trap):
    result = deliver(talk(), traps={"import": trap})

    assert result["answer"]["message"] == "3 shots checked, 0 corrected"
    assert_as_planned(talk(), result)


@needs_node
@pytest.mark.parametrize(
    ("trap", "fault"),
    [("moved", "clip 1 of video track 1 lies at frames 1 to 100 instead of 0 to 100"),
     ("slipped", "clip 2 of video track 1 begins at frame 101 of the recording instead of 100")],
)  # fmt: skip
def test_a_sequence_with_other_clips_is_left_alone_and_named(deliver, trap, fault):
    result = deliver(talk(), traps={"import": trap, "motion": "default"})

    assert result["labels"] == []
    assert fault in result["error"]["message"]


@needs_node
@pytest.mark.parametrize("how", ["none", ""])
def test_a_sequence_of_another_rate_is_refused(deliver, how):
    traps = {"import": how, "timeBase": "8475667200", "frameTicks": 8475667200}
    result = deliver(talk(), traps=traps)

    assert "another frame rate" in result["error"]["message"]
    assert len(result["sequences"]) == (not how)


@needs_node
def test_a_time_base_in_another_unit_does_no_harm(deliver):
    result = deliver(talk(), traps={"timeBase": "25"})

    assert result["answer"]["message"] == "3 shots checked, 0 corrected"


@needs_node
def test_media_that_is_offline_after_the_import_is_reported(deliver):
    result = deliver(talk(), traps={"offline": True})

    assert "Link Media" in result["answer"]["notes"][0]


@needs_node
def test_a_check_can_be_cancelled(deliver):
    result = deliver(talk(), traps={"motion": "default"}, cancelsAt="check the shots")

    assert result["error"]["message"] == "cancelled: the sequence is not checked to the end"
    assert result["labels"] == []


@needs_node
def test_a_refused_transaction_is_an_error(deliver):
    result = deliver(talk(), traps={"motion": "default", "refuses": "correct"})

    assert result["error"]["message"] == "Premiere refused to correct Motion"


def upright():
    """A phone's recording, which a player turns by 90 degrees."""
    media = replace(talk().media, size=(1080, 1920), rotation=90)
    shots = [replace(shot, crop=Box(0, 0, 1080, 607.5)) for shot in talk().shots]
    return talk(media=media, shots=tuple(shots))


@needs_node
@pytest.mark.parametrize("traps", [{}, {"motion": "default"}])
def test_a_rotation_is_compared_too(deliver, traps):
    result = deliver(upright(), traps=traps)

    assert result["error"] is None, result["error"]
    assert_as_planned(upright(), result)
    assert ("rotation 0 instead of 90" in result["report"]) == bool(traps)


@needs_node
def test_a_rotated_recording_is_not_built_directly(deliver):
    result = deliver(upright(), traps={"import": "none"})

    assert "File > Import" in result["error"]["message"]
    assert result["sequences"] == result["labels"] == []


@needs_node
@settings(max_examples=6)
@given(strategies.rich_cut_lists())
def test_any_cut_becomes_the_planned_sequence(tmp_path_factory, cut_list):
    folder = tmp_path_factory.mktemp("cut")
    try:
        results = [run_with(folder, cut_list, traps=traps) for traps in ({}, {"motion": "default"})]
    except TimelineError:
        return
    for result in results:
        assert result["error"] is None, result["error"]
        assert_as_planned(cut_list, result)


# --- the sequence is built ------------------------------------------------------------------------


@needs_node
@pytest.mark.parametrize("traps", [{}, {"place": "reads early"}, {"timecode": 90_000}])
@pytest.mark.parametrize("cut_list", [talk(), moving()])
def test_without_a_sequence_from_the_import_it_is_built(deliver, cut_list, traps):
    result = deliver(cut_list, traps={"import": "none", **traps})

    assert result["error"] is None, result["error"]
    assert result["answer"]["notes"] == [
        "the sequence is built directly, because the import made no sequence"
    ]
    assert_as_planned(cut_list, result)
    (sequence,) = result["sequences"]
    assert [int(marker[1]) for marker in sequence["markers"]] == [
        shot.range.start for shot in cut_list.shots
    ]


@needs_node
def test_a_built_sequence_has_the_cut_without_other_angles(deliver):
    result = deliver(stacked(), traps={"import": "none"})

    assert "clips of other angles are left out" in result["answer"]["notes"][1]
    assert_as_planned(stacked(), result, angles=False)


@needs_node
def test_an_imported_two_up_is_checked_but_for_its_seam(deliver):
    result = deliver(with_two_up())

    assert result["error"] is None
    assert result["answer"]["message"] == "4 shots checked, 0 corrected"
    (note,) = result["answer"]["notes"]
    assert "1 two-ups" in note
    assert_as_planned(with_two_up(), result)


@needs_node
def test_without_an_import_no_two_up_is_built_with_half_of_it(deliver):
    result = deliver(with_two_up(), traps={"import": "none"})

    assert "only that file has two-ups" in result["error"]["message"]


@needs_node
def test_building_leaves_the_marks_of_the_clip_as_they_were(deliver):
    result = deliver(talk(), traps={"import": "none"}, selection="marked")

    assert result["marks"] == [3, 9]
    assert_as_planned(talk(), result)


@needs_node
@pytest.mark.parametrize(
    ("traps", "reason"),
    [({"place": "longer"}, "lies at frames"), ({"size": "refused"}, "the frame size 1080 x 1920"),
     ({"refuses": "markers"}, "add the markers")],
)  # fmt: skip
def test_nothing_half_built_stays_behind(deliver, traps, reason):
    result = deliver(talk(canvas=(1080, 1920)), traps={"import": "none", **traps})

    assert reason in result["error"]["message"]
    assert result["sequences"] == []
    assert result["deleted"] == ["Gespräch"]


# --- the clip -------------------------------------------------------------------------------------


@needs_node
@pytest.mark.parametrize("selection", ["project", "timeline", "playhead", "marked"])
def test_the_clip_in_hand_goes_to_the_service(deliver, selection):
    result = deliver(talk(), selection=selection)

    assert result["error"] is None, result["error"]


@needs_node
def test_a_path_of_windows_is_sent_without_its_prefix(deliver):
    assert deliver(talk(), clip="\\\\?\\D:\\film\\talk.mp4")["source"] == "D:\\film\\talk.mp4"
    assert deliver(talk(), clip="/film/talk.mp4")["source"] == "/film/talk.mp4"


@needs_node
@pytest.mark.parametrize(
    ("selection", "reason"),
    [("none", "select a recording"), ("two", "2 recordings are selected"),
     ("offline", "is offline"), ("multicam", "multicam"), ("sequence", "select a recording")],
)  # fmt: skip
def test_what_is_no_recording_is_refused_before_anything_is_sent(deliver, selection, reason):
    result = deliver(talk(), selection=selection)

    assert reason in result["error"]["message"]
    assert result["requests"] == ["GET http://127.0.0.1:PORT/api/inbox"]


@needs_node
def test_without_a_project_the_panel_says_so(deliver):
    assert "no project" in deliver(talk(), traps={"project": "none"})["error"]["message"]


# --- the service ----------------------------------------------------------------------------------


@needs_node
@pytest.mark.parametrize(
    ("scenario", "reason"),
    [
        ({"trap": "gone"}, "nobody answers on 127.0.0.1:4000: run `speakerzoom serve`"),
        ({"trap": "gone later"}, "nobody answers on 127.0.0.1:4000"),
        ({"trap": "stranger"}, "does not know this key"),
        ({"trap": "impostor"}, "the program on 127.0.0.1:4000 does not know this key"),
        ({"trap": "fails"}, "talk.mp4: no face was found"),
        ({"trap": "version"}, "different versions"),
        ({"keyFiles": [None]}, "the service is not running"),
        ({"keyFiles": ['{"port": 4000, "bearer": "old"}']}, "does not know this key"),
        ({"keyFiles": ["torn {"]}, "the service is not running"),
        ({"trap": "endless", "cancels": True}, "cancelled"),
    ],
)
def test_what_goes_wrong_with_the_service_is_one_line(deliver, scenario, reason):
    result = deliver(talk(), **scenario)

    assert reason in result["error"]["message"]
    assert "\n" not in result["error"]["message"]
    assert result["sequences"] == []


@needs_node
def test_a_service_that_was_started_again_is_found_by_its_new_key(deliver):
    keys = [json.dumps({"port": port, "bearer": f"key-{port - 3998}"}) for port in (4000, 4001)]
    result = deliver(talk(), trap="restart", keyFiles=keys)

    assert result["error"] is None, result["error"]
    assert_as_planned(talk(), result)


@needs_node
def test_the_key_is_neither_stored_nor_reported(deliver):
    result = deliver(talk(), traps={"motion": "default"})

    assert result["memory"] == [["speakerzoom.folder", "token"]]
    assert "key-2" not in json.dumps(result)
    assert "/film/" not in result["report"]


@needs_node
@pytest.mark.parametrize("trap", ["impostor", "stranger"])
def test_a_program_that_does_not_know_the_key_never_gets_it(deliver, trap):
    assert deliver(talk(), step="connect", trap=trap)["requests"] == []


@needs_node
def test_the_proof_is_an_hmac_like_the_services():
    script = (
        f"const {{ proof }} = require({json.dumps(str(PANEL / 'proof.js'))});"
        "const rows = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
        "console.log(JSON.stringify(rows.map(([key, text]) => proof(key, text))));"
    )
    rows = [("k" * key, "c" * text) for key in (0, 1, 43, 64, 65) for text in (1, 32, 55, 56, 200)]
    run = subprocess.run(
        ["node", "-e", script], input=json.dumps(rows), capture_output=True, text=True, check=True
    )

    assert json.loads(run.stdout) == [access.proof(*row) for row in rows]


@needs_node
def test_the_page_is_opened_by_its_one_time_address(deliver):
    result = deliver(talk(), step="page")

    assert result["opened"] == ["http://127.0.0.1:4000/launch?secret=once&to=s1"]
    refused = deliver(talk(), step="page", consent="denied")
    assert refused["error"]["message"] == "the page was not opened (denied)"


@needs_node
def test_without_the_service_a_file_is_imported(deliver):
    result = deliver(talk(), step="byHand", hasFolder=False)

    assert result["answer"]["message"] == "imported"
    assert_as_planned(talk(), result)
    assert deliver(talk(), step="byHand", traps={"import": "none"})["error"]
    assert (
        deliver(talk(), step="byHand", chooses=False)["answer"]["message"] == "nothing was chosen"
    )


# --- the document ---------------------------------------------------------------------------------


@needs_node
def test_the_buttons_lead_from_the_key_to_a_checked_sequence(tmp_path):
    file = tmp_path / "talk.xml"
    file.write_text(timeline_text(talk(), "speakerzoom_premiere_xml", {"variant": "premiere"}))
    key = '{"port": 4000, "bearer": "key-2"}'
    clicks = [
        ["use-key", "nonsense"], ["use-key", key], ["take-clip"], ["cut"], ["save-report"],
    ]  # fmt: skip
    scenario = {"plan": plan_of(talk()), "file": str(file), "clicks": clicks}
    result = run_panel(scenario, "run_document.js")
    start, nonsense, connected, clip, cut, _ = result["views"]

    assert start["sections"] == nonsense["sections"] == ["connect"]
    assert (nonsense["message"], nonsense["isFault"]) == (
        "that is not the content of service.json", True,
    )  # fmt: skip
    assert (connected["sections"], connected["isFault"], connected["key"]) == (["clip"], False, "")
    assert not connected["options"]
    assert clip["options"]
    assert clip["styles"] == ["as last time (standard)", "standard", "calm"]
    assert cut["message"] == "3 shots checked, 2 corrected"
    assert "shot 1: scale 100 instead of 200" in result["saved"][0]
    assert "key-2" not in json.dumps([result["saved"], result["store"]])


# --- how it is written ----------------------------------------------------------------------------


def code(path):
    """Return a module without comments, with all text of equal length in place of strings."""
    text = path if isinstance(path, str) else path.read_text(encoding="utf-8")
    text = re.sub(r"/\*.*?\*/|(?<!:)//[^\n]*", "", text, flags=re.DOTALL)
    return re.sub(r'"(?:[^"\\\n]|\\.)*"', '""', text)


def spans(text, call):
    """Where the parentheses of each call of a function begin and end."""
    for match in re.finditer(rf"(?<!\w){call}\(", text):
        depth, at = 1, match.end()
        while depth and at < len(text):
            depth += {"(": 1, ")": -1}.get(text[at], 0)
            at += 1
        yield match.end(), at


def actions_outside_locks(text):
    """Actions that a module creates outside `lockedAccess` and `transact`."""
    inside = [*spans(text, "lockedAccess"), *spans(text, "transact")]
    return [
        match[0]
        for match in re.finditer(r"\.(create\w*Action)\(", text)
        if not any(start <= match.start() < end for start, end in inside)
    ]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_no_action_is_created_outside_locked_access(path):
    assert not actions_outside_locks(code(path))


def test_transact_takes_the_lock_around_the_whole_transaction():
    text = code(PANEL / "host_sequence.js")
    body = text[text.index("  transact(label") :]
    body = body[: body.index("\n  }\n")]
    (lock,) = spans(body, "lockedAccess")
    (transaction,) = spans(body, "executeTransaction")

    assert lock[0] < transaction[0] < transaction[1] < lock[1]
    assert body.index("create((action)") > transaction[0]
    assert all(not list(spans(code(path), "executeTransaction")) or path.name == "host_sequence.js"
               for path in MODULES)  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["const a = item.createSetDisabledAction(true); host.transact('x', (add) => add(a));",
     "project.lockedAccess(() => {}); add(p.createSetValueAction(k, true));"],
)  # fmt: skip
def test_an_action_outside_would_be_noticed(text):
    assert actions_outside_locks(code(text))


def test_no_module_of_the_panel_is_long():
    assert MODULES
    assert not [path.name for path in PANEL.iterdir() if len(path.read_text().splitlines()) > 300]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_only_the_host_modules_and_the_start_know_premiere(path):
    calls = re.findall(r'require\("(premierepro|uxp)"\)', path.read_text())

    assert not calls or path.name == "panel.js"


def test_the_address_is_the_number_and_no_name():
    for path in PANEL.iterdir():
        assert "localhost" not in path.read_text()


def test_every_element_that_the_panel_looks_up_is_in_its_document():
    document = (PANEL / "index.html").read_text()
    text = (PANEL / "panel.js").read_text()
    ids = set(re.findall(r'(?:element|on|fillList|show)\("([\w-]+)"', text))

    assert len(ids) > 10
    assert not {name for name in ids if f'id="{name}"' not in document}
    assert not re.search(r"innerHTML|insertAdjacentHTML|eval\(", text)


def test_the_manifest_asks_for_no_more_than_the_panel_needs():
    manifest = json.loads((PANEL / "manifest.json").read_text())

    assert manifest["manifestVersion"] == 5
    assert manifest["host"] == {"app": "premierepro", "minVersion": "25.6.0"}
    assert manifest["requiredPermissions"] == {
        "network": {"domains": "all"}, "localFileSystem": "request",
        "launchProcess": {"schemes": ["http"], "extensions": []},
    }  # fmt: skip


def node_package(name):
    """A package of npm, in the folder that SPEAKERZOOM_NODE_MODULES names; None without it."""
    folder = Path(os.environ.get("SPEAKERZOOM_NODE_MODULES", REPOSITORY / ".node" / "node_modules"))
    return folder / name if (folder / name).is_dir() else None


@needs_node
def test_every_call_of_the_host_is_one_that_adobe_declares(tmp_path):
    compiler, types = node_package("typescript"), node_package("@adobe/premierepro")
    if not (compiler and types):
        pytest.skip("TypeScript and @adobe/premierepro are not installed beside the project")
    errors = type_errors(tmp_path, compiler, types, PANEL)
    assert not errors

    wrong = shutil.copytree(PANEL, tmp_path / "wrong")
    sequence = wrong / "host_sequence.js"
    sequence.write_text(sequence.read_text().replace("createSetDisabledAction", "setDisabled"))
    assert "setDisabled" in type_errors(tmp_path, compiler, types, wrong)


def type_errors(folder, compiler, types, panel):
    """What `tsc --checkJs` says of the panel with Adobe's types."""
    options = {
        "allowJs": True, "checkJs": True, "noEmit": True, "strict": True, "target": "es2021",
        "lib": ["es2021", "dom"], "module": "commonjs", "moduleResolution": "node10", "types": [],
        "skipLibCheck": True, "baseUrl": str(folder),
        "paths": {"@adobe/premierepro": [str(types / "src" / "premierepro.d.ts")]},
    }  # fmt: skip
    project = {
        "compilerOptions": options,
        "files": [str(FAKE / "host_types.d.ts"), *map(str, sorted(panel.glob("*.js")))],
    }
    (folder / "tsconfig.json").write_text(json.dumps(project))
    command = ["node", str(compiler / "lib" / "tsc.js"), "-p", str(folder / "tsconfig.json")]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout
