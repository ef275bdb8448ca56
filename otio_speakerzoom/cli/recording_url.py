"""The URL of a recording that a machine of a Ray cluster fetches, as the user wrote it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote
from urllib.request import url2pathname

FETCHED = ("https", "s3", "gs", "gcs", "az", "abfs", "abfss", "sftp", "memory")
"""Schemes that fsspec fetches: encrypted, or the memory of the machine. The others that it knows
lead into archives, repositories and chains of both, or are not encrypted (http, ftp)."""

_MAX_NAME_BYTES = 255 - len(".speakerzoom")  # of a file name, on every common file system


@dataclass(frozen=True, slots=True)
class RecordingUrl:
    """The URL of one recording."""

    text: str
    """All of it; the password or the key in it is secret."""

    def __str__(self) -> str:
        """Return it without a password, and without a query, in which keys may be."""
        host = re.sub(r":[^@]*@", "@", self._host)
        return f"{self._scheme}://{host}/{self._path}" if self._path else f"{self._scheme}://{host}"

    @property
    def name(self) -> str:
        """The name of the file."""
        path = self._path or (self._host if self._scheme == "memory" else "")
        return PurePosixPath(unquote(path) if self._scheme == "https" else path).name

    @property
    def file(self) -> Path | None:
        """The file of a file URL; None of the others."""
        return Path(url2pathname(f"/{self._path}")) if self._scheme == "file" else None

    def fault(self) -> str:
        """Return why we do not take it, to follow it in a message; empty if we do."""
        if self._scheme not in (*FETCHED, "file"):
            return f"use {', '.join(FETCHED)} or file"
        if not self.text.isprintable() or "::" in self.text:
            return "name one file, without control characters and without ::"
        if self._scheme == "file" and self._host not in ("", "localhost"):
            return "a file URL has no host: file:///folder/talk.mp4"
        if self._path.endswith("/") or self.name in ("", ".", ".."):
            return "name a recording; folders are not listed"
        if len(os.fsencode(self.name)) > _MAX_NAME_BYTES:
            return "the name of the file is too long"
        return ""

    @property
    def _scheme(self) -> str:
        return self.text.partition("://")[0].lower()

    @property
    def _host(self) -> str:
        """The host, the bucket or the container."""
        return re.split(r"[/?#]" if self._scheme == "https" else "/", self._rest)[0]

    @property
    def _path(self) -> str:
        """What follows the host, without the slash between them; in buckets ? and # are letters."""
        path = self._rest[len(self._host) :]
        return (re.split("[?#]", path)[0] if self._scheme == "https" else path).removeprefix("/")

    @property
    def _rest(self) -> str:
        return self.text.partition("://")[2]
