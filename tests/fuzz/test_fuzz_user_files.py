"""Damage to the files that a user writes: styles, labels, the list of weights, transcripts."""

import json
from fractions import Fraction
from functools import partial
from pathlib import Path

from mutators import TEXTS, damage_bytes, number_near
from user_files import toml_of, write_and_read

from otio_speakerzoom.director.style import NEW_NAMES, PRESETS, STYLE_FIELDS
from otio_speakerzoom.director.style_file import read_style
from otio_speakerzoom.model import Media
from otio_speakerzoom.service.words import read_words

pytest_plugins = ["fuzz_runs"]

MEDIA = Media(Path("talk.mp4"), Fraction(25), 250, (640, 360))


# --- styles ---------------------------------------------------------------------------------------

STYLE_JUNK = ("nan", "-inf", "1979-05-27", "[[1]]", "{a = 1}", '"""a\nb"""', "0x7fffffff", "1e999",
              "[" * 300 + "]" * 300, "9" * 5000, "0x" + "f" * 5000)  # fmt: skip


def damaged_style(random):
    """Return a style file in which some values are off, and some are no values."""
    style = PRESETS[random.choice(sorted(PRESETS))]
    names = random.sample(sorted(STYLE_FIELDS), random.randrange(1, 8))
    table = {name: getattr(style, name) for name in names}
    if random.random() < 0.3:
        table["base"] = random.choice((*PRESETS, "x", 5))
    if random.random() < 0.2:
        old = random.choice(sorted(NEW_NAMES))
        table[old] = getattr(style, NEW_NAMES[old])
    for name in random.sample(sorted(table), min(len(table), random.randrange(3))):
        value = table[name]
        table[name] = random.choice((number_near(random, value), random.choice(TEXTS)))
    if random.random() < 0.1:
        table[json.dumps(random.choice(TEXTS))] = 1
    text = toml_of(table)
    if random.random() < 0.3:
        text += f"{random.choice(sorted(STYLE_FIELDS))} = {random.choice(STYLE_JUNK)}\n"
    data = text.encode("utf-8", "surrogatepass")
    return damage_bytes(random, data) if random.random() < 0.3 else data


def try_style(folder, data):
    """Read a style; one that is accepted has values that its fields allow."""
    path = folder / "mine.toml"
    style = write_and_read(path, data, lambda: read_style(str(path)))
    if style is None:
        return False
    for name, item in STYLE_FIELDS.items():
        assert not item.fault(getattr(style, name)), (name, getattr(style, name))
    return True


def test_a_damaged_style_is_read_right_or_refused(fuzz, tmp_path):
    fuzz("styles", damaged_style, partial(try_style, tmp_path), count=150, writable=[tmp_path])


# --- transcripts ----------------------------------------------------------------------------------

TRANSCRIPTS = (
    b"1\n00:00:01,000 --> 00:00:02,500\nHello <i>there</i> &amp; you\n\n"
    b"2\r\n00:00:03,000 --> 00:00:04,000\r\n{\\an8}two\r\nlines\r\n\r\n",
    b"\xef\xbb\xbfWEBVTT\n\nNOTE x\n\na\n00:01.000 --> 00:02.000 align:start\n"
    b"<v Ann>Hi <00:01.500>there<00:01.800> &lt;b&gt;\n\n100:00:05.1 --> 100:00:06.9\nlate\n",
)


def damaged_transcript(random):
    data = random.choice(TRANSCRIPTS)
    if random.random() < 0.3:
        data = data * random.choice((2, 200))
    return damage_bytes(random, data, TRANSCRIPTS)


def try_transcript(folder, data):
    """Read a transcript: its words lie in the source, in order of time."""
    path = folder / "talk.srt"
    path.write_bytes(data)
    words = read_words(path, MEDIA)
    assert path.read_bytes() == data
    json.dumps(words)
    starts = [word["start"] for word in words]
    assert starts == sorted(starts)
    assert all(0 <= word["start"] < word["end"] <= MEDIA.duration for word in words)
    return bool(words)


def test_a_damaged_transcript_gives_words_within_the_source(fuzz, tmp_path):
    fuzz(
        "transcripts", damaged_transcript, partial(try_transcript, tmp_path), count=100,
        writable=[tmp_path],
    )  # fmt: skip
