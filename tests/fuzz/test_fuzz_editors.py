"""Damage to what programs beside us write: Resolve's messages, stills and notes in the mailbox."""

import json
import struct
import time
import zlib
from functools import cache, partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from fuzzing import check_refusal
from mutators import TEXTS, damage_bytes
from valid_cuts import a_cut

from otio_speakerzoom import pipeline
from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.plugins import calibration, mailbox, messages, resolve_send
from otio_speakerzoom.service import resolve_watch

pytest_plugins = ["fuzz_runs"]

REQUEST = "ab12"
NAMES = ("state", "reason", "import", "remains", "fallback", "doubt", "saved", "refusals", "name",
         "way", "product", "version", "path", "media", "x")  # fmt: skip
VALUES = (
    *(text for text in TEXTS if "/etc" not in text),
    "done",
    "building",
    "refused",
    "direct",
    "otio",
    "false",
    "/none/talk.mp4",
    "0",
    "3",
)


def random_message(random):
    """Return a message as the script writes it, of any kind and with any values."""
    kind = random.choice(("answer", "answer", "clips", "timeline", "nothing", "other"))
    fields = [(random.choice(NAMES), random.choice(VALUES)) for _ in range(random.randrange(6))]
    if kind == "clips":
        fields.append(("path", random.choice(VALUES)))
    rows = ",".join(f"{n}={v.encode('utf-8', 'surrogatepass').hex()}" for n, v in fields)
    seconds = random.choice((0, "NOW", "NOW", 10**11, 5))
    return f"SPEAKERZOOM1:{kind}:{random.choice((REQUEST, REQUEST, 'cd34'))}:{seconds}:{rows}:END"


def damaged_mail(random):
    """Return the bytes of the files in which messages may be: none is ever complete by itself."""
    files = {}
    for name in ("answer.txt", "hand-over.txt", "Fusion.prefs"):
        texts = [random_message(random) for _ in range(random.randrange(3))]
        if name == "Fusion.prefs":
            texts = [f'{{\n\tGlobal = {{ Answer = "{text}", }},\n}}' for text in texts]
        data = "\n".join(texts).encode()
        files[name] = damage_bytes(random, data, [data]) if random.random() < 0.4 else data
    return files


def try_mail(folder, files):
    """Read messages and act on them: answers become a delivery or one line, hand-overs a source."""
    for name, data in files.items():
        (folder / name).write_bytes(data.replace(b"NOW", str(int(time.time())).encode()))
    for message in messages.messages(folder):
        assert len(message.describe().splitlines()) == 1, message.describe()
    handed = messages.hand_over(0, folder)
    if handed:
        resolve_watch.take(handed, pipeline.open_source)
    answer = messages.answer_to(REQUEST, folder)
    if answer is None:
        return False
    mailbox.add_to_log(folder, answer.describe())
    try:
        delivery = resolve_send._result(answer, Path("talk.mp4"), None)
    except SpeakerZoomError as error:
        check_refusal(error, "talk.mp4")
        return True
    texts = (delivery.outcome, delivery.name, *delivery.notes)
    assert all(len(text.splitlines()) <= 1 for text in texts), texts
    return True


@pytest.fixture
def quiet_home(monkeypatch, tmp_path):
    monkeypatch.setattr(messages, "preference_files", lambda: [tmp_path / "Fusion.prefs"])


def test_a_damaged_message_is_acted_on_right_or_passed_over(fuzz, tmp_path, quiet_home):
    fuzz(
        "messages", damaged_mail, partial(try_mail, tmp_path), count=150, writable=[tmp_path],
        readable=["/none"],
    )  # fmt: skip


# --- stills ---------------------------------------------------------------------------------------

CUT = a_cut(1)
CHART = np.random.default_rng(1).integers(0, 255, (1080, 1920, 3), np.uint8)


@cache
def stills():
    image = CHART[:180, :320]
    formats = (".png", ".jpg", ".bmp", ".tif", ".webp")
    return [cv2.imencode(suffix, image)[1].tobytes() for suffix in formats]


def damaged_still(random):
    """Return the bytes of a picture; a PNG may say that it is as large as a house."""
    data = random.choice(stills())
    if data.startswith(b"\x89PNG") and random.random() < 0.6:
        sides = [random.choice((0, 1, 7, 320, 65535, 2**20, 2**31 - 1, 2**32 - 1)) for _ in "xy"]
        chunk = b"IHDR" + struct.pack(">II", *sides) + data[24:29]
        return data[:12] + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[33:]
    return damage_bytes(random, data, stills())


def try_still(folder, data):
    """Measure a still: it fits a law or none, or one line says that it is no picture."""
    path = folder / "still 1.png"
    path.write_bytes(data)
    cut = CUT.__class__(CUT.media, (320, 180), CUT.shots[:1], CUT.people)
    try:
        result = calibration.measure([path], cut, CHART, "DaVinci Resolve", "21.1.0")
    except SpeakerZoomError as error:
        check_refusal(error, path)
        return False
    assert all(-1.01 <= number <= 1.01 for row in result.agreements for number in row)
    json.dumps(result.agreements)
    return True


def test_a_damaged_still_is_measured_or_refused(fuzz, tmp_path):
    fuzz("stills", damaged_still, partial(try_still, tmp_path), count=30, writable=[tmp_path])
