"""How Resolve counts positions, measured in a fake one of each law."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from host import Host
from test_resolve import send_to
from test_script import talk

from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.interchange import test_chart
from otio_speakerzoom.model import Media
from otio_speakerzoom.plugins import calibration, mailbox, resolve_send

LAWS = {"scaled": "counts positions as we do", "frame": "in pixels of the timeline",
        "odd": "elsewhere than we expect"}  # fmt: skip


@pytest.fixture
def fast(monkeypatch):
    monkeypatch.setattr(resolve_send, "POLL_INTERVAL_S", 0.01)


def chart_cut():
    media = Media(Path("/film/chart.mp4"), Fraction(25), 250, test_chart.SIZE)
    return replace(talk(), media=media, canvas=test_chart.CANVAS, shots=test_chart._shots())


def stills_in(folder):
    return {frame: folder / f"still {frame}.png" for frame in test_chart.still_frames()}


def measure(tmp_path, monkeypatch, law):
    resolve = Host(tmp_path, chart_cut(), law=law)
    stills = stills_in(tmp_path)
    delivery, _ = send_to(resolve, monkeypatch, stills=stills)
    return calibration.measure(
        list(stills.values()), chart_cut(), test_chart.chart_image(),
        delivery.product, delivery.version,
    )  # fmt: skip


@pytest.mark.parametrize("law", LAWS)
def test_the_law_of_a_resolve_is_measured_on_its_stills(tmp_path, monkeypatch, fast, law):
    result = measure(tmp_path, monkeypatch, law)

    assert result.law == {"odd": calibration.NEITHER}.get(law, law)
    assert (result.product, result.version) == ("DaVinci Resolve", "21.1.0")
    assert LAWS[law] in calibration.describe(result)


def test_a_calibration_is_stored_and_a_damaged_one_is_none(tmp_path, monkeypatch, fast):
    result = measure(tmp_path, monkeypatch, "frame")

    calibration.save(result, tmp_path)
    assert calibration.load(tmp_path) == result
    (tmp_path / calibration.FILE).write_text('{"law": "other"}')
    assert calibration.load(tmp_path) is None
    (tmp_path / calibration.FILE).unlink()
    assert calibration.load(tmp_path) is None


def test_stills_that_resolve_does_not_export_are_reported(tmp_path, monkeypatch, fast):
    with pytest.raises(SpeakerZoomError, match="did not export this still"):
        measure(tmp_path, monkeypatch, None)


def test_a_stored_law_is_used_and_another_version_is_noted(tmp_path, monkeypatch, fast):
    resolve = Host(tmp_path, chart_cut())
    rows = ((1.0, 1.0),) * 5
    stored = calibration.Calibration("DaVinci Resolve", "20.0", "frame", rows)
    calibration.save(stored, mailbox.open_mailbox(resolve.mailbox))

    delivery, _ = send_to(resolve, monkeypatch)

    crop = chart_cut().shots[1].crop
    items = resolve.timelines["chart"]["tracks"]["video"][0]["items"]
    moved = (test_chart.SIZE[0] / 2 - crop.centre[0]) * test_chart.CANVAS[1] / crop.height
    assert items[1]["properties"]["Pan"] == pytest.approx(moved)
    assert "measured in Resolve 20.0, this is 21.1.0" in delivery.notes[-1]
