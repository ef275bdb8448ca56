"""What the panel in Premiere asks of the service: open a clip, cut it, the file and its plan."""

import json
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from lxml import etree
from panel import needs_node, run_panel
from strategies import rich_cut_lists
from test_jobs import finished, submit

from otio_speakerzoom import pipeline
from otio_speakerzoom.errors import TimelineError
from otio_speakerzoom.pipeline import Job
from otio_speakerzoom.plugins.premiere_plan import plan_of
from otio_speakerzoom.timeline.build import to_otio
from otio_speakerzoom.timeline.facts import read_facts
from otio_speakerzoom.timeline.write import timeline_text

pytest_plugins = ["talks"]


def bearer(client):
    return f"Bearer {client.service.access.bearer}"


def ask(client, path):
    return client.send("GET", client.base + path, cookie=None, authorization=bearer(client))


def xmeml_motion(cut_list):
    """Scale and position of every video clip of the .xml, as Premiere's interface counts them."""
    text = timeline_text(cut_list, "speakerzoom_premiere_xml", {"variant": "premiere"})
    facts = read_facts(to_otio(cut_list))
    root = etree.fromstring(text.encode())
    size = root.find(".//file/media/video/samplecharacteristics")
    width, height = int(size.findtext("width")), int(size.findtext("height"))
    rows = []
    for clip in root.iterfind(".//sequence/media/video/track/clipitem"):
        centre = clip.find(".//parameter[parameterid='center']")
        scale = clip.find(".//parameter[parameterid='scale']")
        pairs = zip(
            scale.findall("keyframe") or [scale], centre.findall("keyframe") or [centre],
            strict=True,
        )  # fmt: skip
        rows.append([
            (
                float(s.findtext("value")),
                0.5 + float(c.findtext("value/horiz")) * width / facts.canvas[0],
                0.5 + float(c.findtext("value/vert")) * height / facts.canvas[1],
            )
            for s, c in pairs
        ])  # fmt: skip
    return rows


@settings(max_examples=15)
@given(rich_cut_lists())
def test_the_plan_has_the_motion_of_the_file_that_is_imported(cut_list):
    try:
        expected = xmeml_motion(cut_list)
        plan = plan_of(cut_list)
    except TimelineError:
        return
    clips = [clip for track in plan["tracks"] for clip in track]

    assert len(clips) == len(expected)
    for clip, motion in zip(clips, expected, strict=True):
        keys = clip["keys"] or [clip["motion"]]
        rows = [(key["scale"], key["x"], key["y"]) for key in keys]
        assert rows == [pytest.approx(row, abs=1e-6) for row in motion]


def test_a_plan_says_when_each_clip_is_where(talk):
    cut_list = pipeline.cut(Job(talk))
    plan = plan_of(cut_list)

    (track,) = plan["tracks"]
    assert [(clip["start"], clip["end"]) for clip in track] == [
        (shot.range.start, shot.range.end) for shot in cut_list.shots
    ]
    assert [clip["number"] for clip in track] == list(range(1, len(track) + 1))
    assert plan["ticks_per_frame"] * Fraction(*plan["rate"]) == 254_016_000_000
    assert plan["duration"] == cut_list.range.duration


def test_a_rate_without_whole_ticks_has_no_plan(talk):
    cut_list = pipeline.cut(Job(talk))
    odd = replace(cut_list, media=replace(cut_list.media, rate=Fraction(100_003, 4001)))

    with pytest.raises(TimelineError, match="no sequence in Premiere"):
        plan_of(odd)


def test_the_panel_gets_the_file_of_an_export_and_its_plan(client, talk):
    id_ = submit(client, kind="export", editor="premiere", suffix=".xml")
    finished(client, id_)
    answer = ask(client, f"api/premiere/{id_}")

    assert answer.status == 200, answer.json
    assert answer.json["file"] == str(talk.with_name("talk.xml"))
    assert answer.json["plan"]["name"] == "talk"


def test_a_page_learns_no_path(client):
    id_ = submit(client, kind="export", editor="premiere", suffix=".xml")
    finished(client, id_)

    assert client.get(f"api/premiere/{id_}").status == 403


def test_a_file_of_an_older_cut_has_no_plan(client):
    id_ = submit(client, kind="export", editor="premiere", suffix=".xml")
    finished(client, id_)
    revision = client.get("api/state").json["revision"]
    body = {"operations": [{"name": "split", "frame": 30}]}
    assert client.change("PATCH", "api/cut", body, if_match=f'"{revision}"').status == 200

    answer = ask(client, f"api/premiere/{id_}")
    assert (answer.status, answer.json) == (
        409, {"error": "talk.xml is not of the cut as it is now; export it again"},
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["nothing", "another format"])
def test_there_is_no_plan_without_such_a_file(client, kind):
    id_ = "0000" if kind == "nothing" else submit(client, kind="export", editor="edl")
    if kind == "another format":
        finished(client, id_)

    assert ask(client, f"api/premiere/{id_}").status == 404


def test_a_cut_can_have_another_style_and_shape(client):
    row = finished(client, submit(client, kind="analyse", style="calm", canvas="9:16"))
    state = client.get("api/state").json

    assert row["error"] is None
    assert state["style"]["name"] == "calm"
    assert state["canvas"] == [360, 640]


@pytest.mark.parametrize("option", [{"style": "/etc/passwd"}, {"canvas": "3x2"}])
def test_other_styles_and_shapes_are_refused(client, option):
    answer = client.change("POST", "api/jobs", {"kind": "analyse", **option})

    assert answer.status == 422
    assert "one of" in answer.json["error"]


# --- the panel itself, over HTTP ------------------------------------------------------------------


def scenario(client, talk, **fields):
    """The panel with a fake Premiere that has `talk` selected, and the true service."""
    key = {"port": client.port, "bearer": client.service.access.bearer}
    plan = plan_of(pipeline.cut(Job(talk)))
    return {
        "plan": plan, "clip": str(talk), "bearer": key["bearer"], "keyFiles": [json.dumps(key)],
        **fields,
    }  # fmt: skip


@needs_node
@pytest.mark.parametrize("canvas", ["", "9:16"])
def test_the_panel_cuts_and_imports_over_http(client, talk, canvas):
    options = {"style": "calm", "canvas": canvas}
    traps = {"motion": "default"}
    result = run_panel(scenario(client, talk, options=options, traps=traps))
    cut_list = pipeline.cut(Job(talk))

    assert result["error"] is None, result["error"]
    assert result["answer"]["message"].startswith(f"{len(cut_list.shots)} shots checked")
    assert client.get("api/state").json["style"]["name"] == "calm"
    (sequence,) = result["sequences"]
    assert sequence["size"] == list(cut_list.canvas) == ([360, 640] if canvas else [640, 360])
    (track,) = plan_of(cut_list)["tracks"]
    assert [item["scale"] for item in sequence["tracks"][0]] == [
        pytest.approx(clip["motion"]["scale"], rel=1e-4) for clip in track
    ]


@needs_node
def test_the_panel_opens_the_page_of_its_clip(client, talk):
    result = run_panel(scenario(client, talk, step="page"))

    (url,) = result["opened"]
    answer = client.sign_in(url)
    assert (answer.status, answer.headers["location"]) == (303, client.base)


@needs_node
def test_the_panel_with_an_old_key_says_so(client, talk):
    key = json.dumps({"port": client.port, "bearer": "old"})
    result = run_panel(scenario(client, talk, step="connect", keyFiles=[key]))

    assert "does not know this key" in result["error"]["message"]
