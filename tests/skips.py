"""Whether a skipped test is one that may be: an option of pytest for runs that must show something.

Everywhere a test is skipped where its tool is missing. Where all tools should be there, that would
be a test that quietly shows nothing any more.
"""

import re
import tomllib
from pathlib import Path

LISTED = Path(__file__).with_name("skips.toml")


def pytest_addoption(parser):
    parser.addoption(
        "--fail-on-skips",
        action="store_true",
        help=f"fail on skips that {LISTED.name} does not list",
    )


def listed():
    """The regular expressions of the reasons that are allowed."""
    return [entry["reason"] for entry in tomllib.loads(LISTED.read_text("utf-8"))["skip"]]


def unlisted(reasons, allowed):
    """Those of `reasons` that fit none of `allowed`, each once."""
    return sorted({r for r in reasons if not any(re.search(fit, r) for fit in allowed)})


def pytest_sessionfinish(session):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not reporter or not session.config.getoption("--fail-on-skips"):
        return
    reasons = [report.longrepr[2] for report in reporter.stats.get("skipped", [])]
    wrong = unlisted(reasons, listed())
    for reason in wrong:
        reporter.write_line(f"\nskipped, and not in {LISTED.name}: {reason}", red=True)
    if wrong and session.exitstatus == 0:
        session.exitstatus = 1
