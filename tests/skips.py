"""An option of pytest that fails a run in which a test was skipped for an unlisted reason.

A test is skipped where its tool is missing. On a machine that should have all tools, such a test
would silently show nothing.
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
    """The regular expressions of the allowed reasons."""
    return [entry["reason"] for entry in tomllib.loads(LISTED.read_text("utf-8"))["skip"]]


def unlisted(reasons, allowed):
    """The `reasons` that match none of `allowed`, each once."""
    return sorted({r for r in reasons if not any(re.search(pattern, r) for pattern in allowed)})


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
