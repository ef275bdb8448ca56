"""The documentation agrees with the code: tables, links and commands."""

import re
import shlex
from pathlib import Path

import pytest

from otio_speakerzoom.cli.parser import build_parser
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


def test_the_table_of_packages_lists_every_package_and_no_other():
    text = (ROOT / "docs" / "architecture.md").read_text()
    table = text[text.index("| package |") : text.index("Beside the package")]
    package = ROOT / "otio_speakerzoom"
    folders = {path.parent.name for path in package.glob("*/__init__.py")}
    modules = {path.stem for path in package.glob("[!_]*.py")}

    listed = re.findall(r"^\| `(\w+)`", table, re.MULTILINE)
    assert sorted(listed) == sorted(folders | modules)


# --- links ----------------------------------------------------------------------------------------

PAGES = sorted(
    path
    for path in (*ROOT.glob("*.md"), *ROOT.glob("*/*.md"))
    if not path.relative_to(ROOT).parts[0].startswith((".", "out"))
)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def anchors(page):
    """The anchors of a page's headings, as GitHub makes them."""
    titles = (re.sub(r"[^\w\- ]", "", title.lower()) for title in HEADING.findall(page.read_text()))
    return {title.strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page):
    for link in LINK.findall(page.read_text()):
        if link.startswith(("http:", "https:", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


CODE = re.compile(r"`((?:[\w-]+/)+[\w-]+\.(?:py|md|toml|npz))`")
PLACES = (ROOT, ROOT / "otio_speakerzoom")


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page.name != "CHANGELOG.md"],  # which names files of the past
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_every_file_that_a_page_names_exists(page):
    for name in CODE.findall(page.read_text()):
        assert any((place / name).exists() for place in (*PLACES, page.parent)), name


# --- commands -------------------------------------------------------------------------------------

COMMAND = re.compile(r"^ *speakerzoom (.+)$", re.MULTILINE)


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if COMMAND.search(page.read_text())],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_every_command_on_a_page_is_valid(page):
    for command in COMMAND.findall(page.read_text()):
        build_parser().parse_args(shlex.split(command, comments=True))
