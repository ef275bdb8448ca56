"""Write the tables of docs/licences.md: every package with its licence, and all trained weights.

    python .ci/licences.py          writes the tables
    python .ci/licences.py --print  prints them

What is installed says itself which licence it has. Packages of extras that `make` does not install
are listed with what their pages in the package index say.
"""

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageMetadata, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "licences.md"
BEGIN, END = "<!-- licences -->\n", "<!-- end of licences -->"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

NOT_INSTALLED = {
    "dlib-bin": "Boost Software License (BSL-1.0)",
    "espeakng-loader": "none stated; it carries eSpeak NG, which is GPL-3.0-or-later",
    "opencv-contrib-python": "Apache-2.0",
    "ray": "Apache-2.0",
    "scikit-image": "BSD-3-Clause",
}
"""What `make` does not install, or uninstalls."""
SPDX = {
    "apache 2.0": "Apache-2.0", "apache license 2.0": "Apache-2.0", "apache": "Apache-2.0",
    "apache 2.0 license": "Apache-2.0", "bsd 2-clause license": "BSD-2-Clause",
    "apache software license": "Apache-2.0", "apache license, version 2.0": "Apache-2.0",
    "mit license": "MIT", "the mit license": "MIT", "new bsd": "BSD-3-Clause",
    "bsd license": "BSD", "3-clause bsd license": "BSD-3-Clause", "bsd 3-clause": "BSD-3-Clause",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0", "isc license (iscl)": "ISC",
    "python software foundation license": "PSF-2.0",
}  # fmt: skip
"""Other words for a licence -> its short name (spdx.org/licenses)."""
MAX_WORDS = 100
"""Letters of a licence's name; some packages state its whole text instead."""


def tables() -> str:
    """Return all tables with their headings."""
    extras = PROJECT["optional-dependencies"]
    default = closure(PROJECT["dependencies"])
    parts = ["### Installed by default", *_packages(default)]
    for extra, requirements in extras.items():
        rows = closure(r for r in requirements if not r.startswith(f"{PROJECT['name']}["))
        more = {name: why for name, why in rows.items() if name not in default}
        parts += [f"### Added by the extra `{extra}`", *_packages(more)]
    return "\n".join([*parts, "### Trained weights", *_weights(), ""])


def closure(requirements: Iterable[str]) -> dict[str, set[str]]:
    """Return every package that these requirements install here, with what requires it."""
    needed: dict[str, set[str]] = {}
    waiting = [(Requirement(text), "this project") for text in requirements]
    while waiting:
        requirement, by = waiting.pop()
        name = canonicalize_name(requirement.name)
        extras = requirement.extras or {""}
        if requirement.marker and not any(
            requirement.marker.evaluate({"extra": e}) for e in extras
        ):
            continue
        is_new = name not in needed
        needed.setdefault(name, set()).add(by)
        if is_new:
            waiting += [(inner, name) for inner in _requirements(name, extras)]
    return needed


def _requirements(name: str, extras: Iterable[str]) -> Iterator[Requirement]:
    try:
        texts = distribution(name).requires or []
    except PackageNotFoundError:
        return
    for requirement in map(Requirement, texts):
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            requirement.marker = None
            yield requirement


def _packages(needed: dict[str, set[str]]) -> Iterator[str]:
    yield ""
    yield "| package | licence | needed by |"
    yield "|---|---|---|"
    for name, why in sorted(needed.items()):
        others = sorted(why, key=lambda by: (by != "this project", by))
        yield f"| {name} | {licence_of(name)} | {', '.join(others)} |"
    yield ""


def licence_of(name: str) -> str:
    """Return the licence of a package, in a few words."""
    try:
        facts = distribution(name).metadata
    except PackageNotFoundError:
        return NOT_INSTALLED[name]
    return _stated(facts).replace("|", "/")


def _stated(facts: PackageMetadata) -> str:
    words = [facts.get("License-Expression", "") or "", facts.get("License", "") or ""]
    classifiers = [text.split(" :: ") for text in facts.get_all("Classifier") or ()]
    words += [parts[-1] for parts in classifiers if parts[0] == "License" and len(parts) > 1]
    for text in words:
        if text and text != "UNKNOWN" and len(text) <= MAX_WORDS and text != "OSI Approved":
            return SPDX.get(text.strip().lower(), " ".join(text.split()))
    return _from_text(words[1])


def _from_text(text: str) -> str:
    """Return what the whole text of a licence begins with."""
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return first[:MAX_WORDS] or "none stated"


def _weights() -> Iterator[str]:
    yield ""
    yield "| weights | licence | where they are |"
    yield "|---|---|---|"
    catalogue = tomllib.loads((ROOT / "weights" / "weights.toml").read_text(encoding="utf-8"))
    direct = {canonicalize_name(Requirement(text).name) for text in PROJECT["dependencies"]}
    for name, entry in catalogue.items():
        package = re.match(r"pypi:([^=]+)", next(iter(entry["sources"]), ""))
        where = "downloaded before their first use" if entry["sources"] else "in this package"
        if package and canonicalize_name(package[1]) in direct:
            where = f"in the package {package[1]}, installed by default"
        yield f"| {name} (`{entry['file']}`) | {entry['licence']} | {where} |"
    licence = licence_of("silero-vad")
    yield f"| Silero VAD | {licence} | in the package silero-vad, installed by default |"


def main() -> None:
    """Write or print the tables."""
    if sys.argv[1:] == ["--print"]:
        sys.stdout.write(tables())
        return
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n{tables()}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
