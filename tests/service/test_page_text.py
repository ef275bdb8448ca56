"""The page as it is written: nothing inline, nothing from outside, no markup from text."""

import re

import pytest
from conftest import REPOSITORY

PAGE = REPOSITORY / "otio_speakerzoom" / "service" / "page"
MODULES = sorted(PAGE.glob("*.js"))
IMPORT = re.compile(r'import\s*(?:\{([^}]*)\}\s*from\s*)?"([^"]+)"')
EXPORT = re.compile(r"^export (?:async )?(?:class|function\*?|const|let) (\w+)", re.MULTILINE)
MAX_MODULE_LINES = 300


def code(module):
    """Return a module without its comments: these may speak of anything."""
    text = module.read_text(encoding="utf-8")
    return re.sub(r"/\*.*?\*/|(?<!:)//[^\n]*", "", text, flags=re.DOTALL)


def test_no_module_of_the_page_is_long():
    lengths = {path.name: len(path.read_text().splitlines()) for path in PAGE.iterdir()}

    assert not {name: lines for name, lines in lengths.items() if lines > MAX_MODULE_LINES}


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_a_module_imports_only_what_another_one_of_the_page_exports(module):
    for names, source in IMPORT.findall(code(module)):
        target = PAGE / source
        assert source.startswith("./"), source
        assert target.is_file(), source
        wanted = {name.split(" as ")[0].strip() for name in names.split(",")} - {""}
        assert wanted <= set(EXPORT.findall(target.read_text(encoding="utf-8"))), source


def test_every_element_that_the_page_looks_up_is_in_its_document():
    document = (PAGE / "index.html").read_text(encoding="utf-8")
    ids = set(re.findall(r'\bhost\("([\w-]+)"\)', code(PAGE / "app.js")))

    assert ids
    assert not {name for name in ids if f'id="{name}"' not in document}


def test_the_document_has_no_inline_script_and_no_inline_style():
    document = (PAGE / "index.html").read_text(encoding="utf-8")

    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", document)


def test_the_files_that_the_document_names_are_there():
    document = (PAGE / "index.html").read_text(encoding="utf-8")
    names = re.findall(r'(?:src|href)="page/([^"]+)"', document)

    assert len(names) >= 3
    assert not [name for name in names if not (PAGE / name).is_file()]


def test_the_document_loads_all_modules_at_once():
    document = (PAGE / "index.html").read_text(encoding="utf-8")
    names = re.findall(r'modulepreload" href="page/([^"]+)"', document)
    imports = {name for module in MODULES for _, name in IMPORT.findall(code(module))}

    assert set(names) == {name.removeprefix("./") for name in imports}


@pytest.mark.parametrize("path", sorted(PAGE.iterdir()), ids=lambda path: path.name)
def test_no_address_leads_out_of_the_place_where_the_page_is_served(path):
    text = code(path).replace('"http://www.w3.org/2000/svg"', "")

    assert not re.search(r"https?://|[\"'`(]/(?:api|page|media)\b", text)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_no_text_becomes_markup_or_code(module):
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function",
        code(module),
    )
