"""Print the lowest version that pyproject.toml allows of every package, as constraints for pip.

    python .ci/lowest.py > lowest.txt

With the packages that the tests need, and without those that only write or check the source.
"""

import re
import sys
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?P<rest>.*)")
FLOOR = re.compile(r">=\s*(?P<version>[0-9][0-9A-Za-z.]*)")


def floors(requirements: list[str]) -> dict[str, str]:
    """Return the lowest version of each requirement; ValueError where one has none."""
    lowest = {}
    for requirement in requirements:
        named = REQUIREMENT.match(requirement)
        floor = named and FLOOR.search(named["rest"])
        if not named or not floor:
            raise ValueError(f"pyproject.toml: {requirement!r} has no lowest version (>=)")
        lowest[named["name"]] = floor["version"]
    return lowest


def main() -> None:
    """Print a line for each package."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["test"]
    for name, version in floors(wanted).items():
        sys.stdout.write(f"{name}=={version}\n")


if __name__ == "__main__":
    main()
