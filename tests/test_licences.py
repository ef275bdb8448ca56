"""docs/licences.md lists every package that is installed, with its licence."""

import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, version

import pytest
from conftest import REPOSITORY
from packaging.utils import canonicalize_name

sys.path.insert(0, str(REPOSITORY / ".ci"))
import licences

PAGE = (REPOSITORY / "docs" / "licences.md").read_text("utf-8")
ROWS = dict(re.findall(r"^\| ([\w.-]+) \| ([^|]+) \| [^|]+ \|$", PAGE, re.MULTILINE))
PINNED = {
    canonicalize_name(name): version
    for name, version in re.findall(
        r"^([\w.-]+)==(\S+)$", (REPOSITORY / "constraints.txt").read_text("utf-8"), re.MULTILINE
    )
}


def test_every_package_that_make_installs_has_a_licence():
    assert not PINNED.keys() - ROWS.keys()
    assert all(ROWS.values())


def test_every_package_that_the_project_requires_has_a_licence():
    extras = licences.PROJECT["optional-dependencies"].values()
    texts = [*licences.PROJECT["dependencies"], *(text for extra in extras for text in extra)]
    names = {canonicalize_name(re.split(r"[<>=\[]", text)[0]) for text in texts}

    assert not names - ROWS.keys() - {canonicalize_name(licences.PROJECT["name"])}


def test_all_weights_are_listed():
    catalogue = tomllib.loads((REPOSITORY / "weights" / "weights.toml").read_text("utf-8"))
    for name, entry in catalogue.items():
        assert f"| {name} (`{entry['file']}`) | {entry['licence']} |" in PAGE


def test_the_tables_are_those_of_what_is_installed():
    if (sys.platform, sys.version_info[:2]) != ("linux", (3, 11)):
        pytest.skip("the tables of licences are of Python 3.11 on Linux")
    for name, pinned in PINNED.items():
        try:
            installed = version(name).partition("+")[0]
        except PackageNotFoundError:
            installed = "nothing"
        if installed != pinned:
            pytest.skip(f"the tables of licences are of {name} {pinned}, not {installed}")
    inside = PAGE.partition(licences.BEGIN)[2].partition(licences.END)[0]

    assert inside.strip() == licences.tables().strip()
