"""Tables in docs/ say what the code says."""

from pathlib import Path

from otio_speakerzoom.cli.values import style_flag
from otio_speakerzoom.director import style
from otio_speakerzoom.timeline.frame_rates import COMMON_RATES, EDITOR_RATES

ROOT = Path(__file__).parent.parent


def style_table():
    """A row per value of `Style`: its name, its flag, preset values, range and sentence."""
    rows = [
        "| value | flag | standard | calm | lively | range | |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, field in style.STYLE_FIELDS.items():
        values = [getattr(style.PRESETS[preset], name) for preset in ("standard", "calm", "lively")]
        words = [v if isinstance(v, str) else f"{v:.4g}" for v in values]
        words[1:] = [v if v != words[0] else "" for v in words[1:]]
        flag, range_text = style_flag(name), field.range_text
        columns = (f"`{name}`", f"`{flag}`", *words, range_text, field.description)
        rows.append(f"| {' | '.join(columns)} |")
    return "\n".join(rows)


def test_the_rates_of_each_editor_are_as_in_the_code():
    text = (ROOT / "docs" / "sources.md").read_text()
    for editor, rates in {"all": COMMON_RATES, **EDITOR_RATES}.items():
        own = sorted(rates if editor == "all" else rates - COMMON_RATES)
        words = ", ".join(f"{float(rate):.5g}" for rate in own) or "none"
        assert f"| {editor}{'' if editor == 'all' else ', also'} | {words} |" in text


def test_every_value_of_a_style_is_explained_with_its_range_as_in_the_code():
    assert style_table() in (ROOT / "docs" / "style.md").read_text()
