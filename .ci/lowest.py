"""Print the lowest version that pyproject.toml allows of every package, as constraints for pip.

    python .ci/lowest.py > lowest.txt

This includes the packages of the tests, but not those that only format or check the source.
"""

import re
import sys
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?P<rest>.*)")
FLOOR = re.compile(r"[>=]=\s*(?P<version>[0-9][0-9A-Za-z.]*)")


def floors(requirements: list[str]) -> dict[str, str]:
    """Return the lowest version of each requirement; ValueError where one has none."""
    lowest = {}
    for requirement in requirements:
        match = REQUIREMENT.match(requirement)
        floor = match and FLOOR.search(match["rest"])
        if not match or not floor:
            raise ValueError(f"pyproject.toml: {requirement!r} has no lowest version (>=)")
        lowest[match["name"]] = floor["version"]
    return lowest


def main() -> None:
    """Print a line for each package."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    packages = project["dependencies"] + project["optional-dependencies"]["test"]
    for name, version in floors(packages).items():
        sys.stdout.write(f"{name}=={version}\n")


if __name__ == "__main__":
    main()
