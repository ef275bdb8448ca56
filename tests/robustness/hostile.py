"""What the tests of hostile input share: their table, and traps that tell who opens them."""

import ctypes
import os
import shutil
import socket
import struct
import sys
from contextlib import contextmanager

import pytest
from tables import Table

from otio_speakerzoom import pipeline
from otio_speakerzoom.pipeline import Job

IN_OPEN, IN_NONBLOCK = 0x20, 0o4000
"""Of Linux's <sys/inotify.h>."""

MEDIA = (
    "a list of files for libav's concat, named .mp4",
    "a playlist (HLS) of another film on this machine",
    "a playlist (HLS) of a film on a network",
    "a name that stands for numbered pictures, shot%03d.png",
    "a QuickTime film whose samples are in another file (alias)",
)
TIMELINES = (
    "an .otio whose media is on a network",
    "an .fcpxml whose media is on a network",
    "an .xml whose media is on a network",
    "an .mlt whose media is on a network",
    "a .kdenlive whose media is on a network",
    "a document type that lies beside the timeline",
    "a document type on a network",
    "an entity that names another file",
    "a --dtd that refers to another file",
)
FOLDERS = (
    "a multiprocessing.py in the working folder, for `batch`",
    "a pip.py in the working folder, when weights are fetched",
    "an ffmpeg, xmllint and xdg-open in the working folder, which PATH names by a dot",
    "links to another file in place of every file of the work folder",
    "a link to another folder in place of the work folder",
    "a link to another file in place of the lock",
    "a link in place of the output",
    "an output that has another name too (hard link)",
    "a link to another file under the name of a leftover",
    "the runtime folder of another user",
)
TEXT = (
    "terminal codes in the name of the recording, in messages",
    "terminal codes in the names of people, in the tables of `inspect`",
    "terminal codes in a timeline, in what `check` prints",
    "terminal codes in JSON on a terminal",
    "terminal codes in the name of a result, on a terminal",
    "a script in the names of recording and people, in the HTML report",
    "code in the names of recording and people, in the recipe for Resolve",
    "a formula as the name of a person, in the CSV table",
    "shell code in the name of the recording, in a command that we print",
    "code for PowerShell in the name of the recording, in a command that we print",
)
WEIGHTS = (
    "a download that is redirected from https to http",
    "a checkpoint that runs code when it is unpickled",
    "an .npz with objects, as weights",
    "an .npz with objects, in the work folder",
)
SERVICE = (
    "a name that points to this machine (DNS rebinding)",
    "a Host header with another port, another name, none or two",
    "a request without the cookie, or with that of an earlier run",
    "a change from a page of another site",
    "a preflight of another site (OPTIONS)",
    "a WebSocket",
    "a HEAD request without the cookie",
    "a path with `..`, `%2e`, `%00` or a backslash",
    "a header of 100 KB",
    "a request that never ends (slowloris)",
    "more connections than a browser has",
    "line breaks and terminal codes in a path, in the log",
    "tokens in the log, in Referer and in addresses",
)
HOSTILE = Table(
    "hostile input", ("what is tried", "what happens"),
    (*MEDIA, *TIMELINES, *FOLDERS, *TEXT, *WEIGHTS, *SERVICE),
)  # fmt: skip


@pytest.fixture(scope="session")
def cut_talk(make_clip, tmp_path_factory):
    """Eighteen seconds of two people with a generated analysis, cut; a quick film."""
    import generated_store

    folder = tmp_path_factory.mktemp("quick_talk")
    quick = make_clip("quick_talk.mp4", seconds=18, size="640x360", extra=("-preset", "ultrafast"))
    film = shutil.copy(quick, folder / "talk.mp4")
    generated_store.generate_analysis(film, 2)
    pipeline.cut(Job(film))
    return film


class Watch:
    """Counts how often files are opened, by any program and library (Linux only)."""

    def __init__(self, *paths):
        if not sys.platform.startswith("linux"):
            pytest.skip("only Linux tells who opens a file (inotify)")
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._number = self._libc.inotify_init1(IN_NONBLOCK)
        for path in paths:
            assert self._libc.inotify_add_watch(self._number, os.fsencode(path), IN_OPEN) >= 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self._number)

    def opened(self):
        """How often, since the last call."""
        try:
            data = os.read(self._number, 1 << 16)
        except BlockingIOError:
            return 0
        count, at = 0, 0
        while at < len(data):
            length = struct.unpack_from("iIII", data, at)[3]
            count, at = count + 1, at + 16 + length
        return count


@contextmanager
def listening():
    """Yield the port of a socket, and a function that tells how many programs have connected."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        connections = []

        def count():
            while True:
                try:
                    connections.append(server.accept()[0])
                except BlockingIOError:
                    return len(connections)

        try:
            yield server.getsockname()[1], count
        finally:
            for connection in connections:
                connection.close()
