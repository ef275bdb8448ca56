"""Values of a style: their units and ranges, in a file and on the command line."""

import argparse
from dataclasses import replace

import pytest

from otio_speakerzoom.cli import values
from otio_speakerzoom.director.style import NEW_NAMES, PRESETS, STYLE_FIELDS, Style
from otio_speakerzoom.director.style_fields import NumberField
from otio_speakerzoom.director.style_file import read_style
from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.store.version_1 import STYLE_NAMES

NUMBERS = [name for name, field in STYLE_FIELDS.items() if isinstance(field, NumberField)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("min_shot = 2", "min_shot is unknown; known are base, "),
        ('base = "slow"', "base: 'slow' is not a preset; there are standard, calm, lively"),
        ("base = [1]", r"base: \[1\] is not a preset"),
        (
            'overlap = "loudest"',
            "overlap: is one of highest, longest, wide, two-shot; not 'loudest",
        ),
        (
            'speech_threshold = "much"',
            "speech_threshold: is a number, -10 to 10 log odds; not 'much'",
        ),
        ("speech_threshold = true", "speech_threshold: is a number"),
        ("speech_threshold = nan", "speech_threshold: must be -10 to 10 log odds; not nan"),
        ("speech_threshold = ", "is not TOML"),
        ("a = " + "[" * 5000, "is not TOML"),
        ("min_shot_seconds = -1", "min_shot_seconds: must be more than 0, up to 600 s; not -1"),
        ("min_shot_seconds = 0", "min_shot_seconds: must be more than 0"),
        ("eye_line = 7", "eye_line: must be 0 to 1; not 7"),
        ("eye_line = 1" + "0" * 400, "eye_line: must be 0 to 1"),
        ("off_screen_prior = 10", "off_screen_prior: must be more than 0, up to 1; not 10"),
        ("hold_seconds = nan", "hold_seconds: must be 0 to 60 s; not nan"),
        ("hide = 'blur'\nobscure_others = 'dim'", "hide is the old name of obscure_others; keep"),
        ("min_shot_seconds = 20", "max_shot_seconds: 25 s is too short for three shots"),
    ],
)
def test_a_wrong_style_file_is_an_error_in_one_line(tmp_path, text, message):
    path = tmp_path / "mine.toml"
    path.write_text(text)

    with pytest.raises(SpeakerZoomError, match=message) as error:
        read_style(str(path))
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_a_style_file_starts_from_its_base_and_may_have_a_byte_order_mark(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('base = "calm"\nhold_seconds = 3', encoding="utf-8-sig")

    assert read_style(str(path)) == replace(PRESETS["calm"], hold_seconds=3)


def test_a_style_file_with_old_names_is_read_with_one_warning(tmp_path, caplog):
    values = {"caution": 2, "relief": "listener", "enter": -1, "hide": "dim",
              "off_screen_share": 0.3, "turn_seconds": 4}  # fmt: skip
    path = tmp_path / "mine.toml"
    path.write_text("".join(f"{name} = {value!r}\n" for name, value in values.items()))

    assert read_style(str(path)) == replace(
        Style(), wrong_speaker_penalty=2, break_long_singles_with="listener", speech_threshold=-1,
        obscure_others="dim", off_screen_prior=0.3, expected_turn_seconds=4,
    )  # fmt: skip
    assert set(NEW_NAMES) == set(values)
    assert STYLE_NAMES.items() <= NEW_NAMES.items()
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage().startswith(f"{path}: ")
    for old, new in NEW_NAMES.items():
        assert f"{new} instead of {old}" in record.getMessage()
    caplog.clear()
    path.write_text("obscure_others = 'dim'")
    read_style(str(path))
    assert not caplog.records


def test_a_wrong_value_under_an_old_name_is_an_error(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("caution = -1")

    with pytest.raises(SpeakerZoomError, match=": caution: must be 0 to 1000 times"):
        read_style(str(path))


def test_three_shots_of_the_minimum_must_fit_into_the_maximum():
    with pytest.raises(SpeakerZoomError, match="standard: max_shot_seconds: 25 s is too short"):
        read_style("standard", {"min_shot_seconds": 20})
    for longest in (60, 0):
        style = read_style("standard", {"min_shot_seconds": 20, "max_shot_seconds": longest})
        assert style.max_shot_seconds == longest


def test_values_of_the_command_line_apply_before_the_style_is_checked(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("min_shot_seconds = 20")

    assert read_style(str(path), {"max_shot_seconds": 90}).min_shot_seconds == 20


def test_a_style_that_is_no_file_is_an_error(tmp_path):
    with pytest.raises(SpeakerZoomError, match="no such style; take standard, calm, lively"):
        read_style("slow")
    with pytest.raises(SpeakerZoomError, match="is a folder; name a TOML file in it"):
        read_style(str(tmp_path))
    with pytest.raises(SpeakerZoomError, match="is not a regular file"):
        read_style("/dev/zero")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("min_shot_seconds", "3", 3),
        ("min_shot_seconds", "3.5s", 3.5),
        ("off_screen_prior", "12%", 0.12),
        ("off_screen_prior", "0.12", 0.12),
        ("speech_threshold", "-1.5", -1.5),
        ("max_upscale", "1.5", 1.5),
        ("min_shot_seconds", "200%", None),
        ("min_shot_seconds", "700", None),
        ("min_shot_seconds", "0s", None),
        ("off_screen_prior", "10", None),
        ("off_screen_prior", "2s", None),
        ("eye_line", "7", None),
        ("speech_threshold", "1s", None),
        ("speech_threshold", "nan", None),
        ("max_upscale", "150%", None),
        ("min_shot_seconds", "1" * 400, None),
    ],
)
def test_a_flag_takes_its_own_unit_and_range(name, text, value):
    parse = values.style_value(name)

    if value is None:
        with pytest.raises(argparse.ArgumentTypeError) as error:
            parse(text)
        assert STYLE_FIELDS[name].range_text in str(error.value)
    else:
        assert parse(text) == value


@pytest.mark.parametrize("name", NUMBERS)
def test_a_style_holds_no_value_beyond_its_range(name):
    field = STYLE_FIELDS[name]
    assert isinstance(field, NumberField)

    for value in (field.minimum - 0.01, field.maximum * 1.01, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=f"^{name}: must be "):
            replace(Style(max_shot_seconds=0), **{name: value})
    if field.excludes_minimum:
        with pytest.raises(ValueError, match=f"^{name}: must be "):
            replace(Style(), **{name: field.minimum})
