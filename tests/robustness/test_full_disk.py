"""A disk that is full, or broken, at every write of every verb: one line, and nothing is lost."""

import errno
import os
import subprocess
from contextlib import contextmanager

import pytest
from bench import VERBS, spread
from fault_checks import EVERY, faults_of_failed_write
from faults import ERRORS, NOT_REMOVALS
from tables import Table

pytest_plugins = ["bench_folder"]

WRITERS = tuple(name for name in VERBS if name not in ("check", "doctor", "uninstall"))
LASTING = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
"""Errors that go on until somebody does something; others come once."""
FULL, PLACES = 8, 3
"""Places at which the disk is full, and at which each other error comes, spread over all."""
SIZES = 3
"""Limits of a file's size for each verb."""
ROOMS = 6
"""Amounts of room on a disk for each verb."""
PAGE_BYTES = 4096
"""In which a tmpfs gives its room."""


SMALL = Table("small disk", ("verb", "amounts of room", "failed"), WRITERS)
DISK = Table("full disk", ("verb", *ERRORS, "too large", "failed"), WRITERS)


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITERS)
def test_every_write_can_fail(bench, name):
    reference, wrong, seen = bench.reference(name), [], set()
    places = [place for place in reference.places if place[0] in NOT_REMOVALS]
    counts = dict.fromkeys([*ERRORS, "too large"], 0)
    for error, number in ERRORS.items():
        wanted = len(places) if EVERY else FULL if error == "ENOSPC" else PLACES
        for at in spread(len(places), wanted):
            bench.begin(VERBS[name].begin)
            fault = {"kind": "error", "at": at, "errno": number, "lasting": number in LASTING}
            ended = bench.run(VERBS[name], fault)
            assert ended.hit, (error, at)
            counts[error] += 1
            label = f"{error} at {at} {places[at]}: "
            wrong += [label + text for text in faults_of_failed_write(bench, name, ended, seen)]
    for size in sizes(reference):
        bench.begin(VERBS[name].begin)
        ended = bench.run(VERBS[name], {"kind": "file size", "bytes": size})
        counts["too large"] += 1
        wrong += [
            f"{size} bytes: {text}" for text in faults_of_failed_write(bench, name, ended, seen)
        ]
    assert not wrong, "\n".join(wrong)
    if not EVERY:
        DISK.check(name, *counts.values(), len(wrong))


def sizes(reference):
    """Return limits of a file's size at which one of the new files fails: at once, half-way, at its
    last byte."""
    new = {len(text) for name, text in reference.after.items()
           if text != reference.before.get(name) and text}  # fmt: skip
    limits = sorted({0, *(size // 2 for size in new), *(size - 1 for size in new)})
    return [limits[n] for n in spread(len(limits), SIZES)]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can mount")
@pytest.mark.parametrize("name", WRITERS)
def test_a_disk_that_is_really_full(bench, name):
    """The disk has room for nothing, for a part of what the verb writes, or nearly for all."""
    reference, wrong, seen = bench.reference(name), [], set()
    with small_disk(bench):
        rooms = spread(max(pages(reference), ROOMS), ROOMS)
        for room in rooms:
            bench.begin(VERBS[name].begin)
            filler = fill(bench, room)
            ended = bench.run(VERBS[name])
            filler.unlink()
            assert room or ended.code == 1
            wrong += [
                f"{room} pages: {text}" for text in faults_of_failed_write(bench, name, ended, seen)
            ]
    assert not wrong, "\n".join(wrong)
    SMALL.check(name, len(rooms), len(wrong))


def pages(reference):
    """Return how many pages a verb needs at most, in which all its new files lie side by side."""
    new = (text for name, text in reference.after.items() if text != reference.before.get(name))
    return sum(-(-len(text) // PAGE_BYTES) for text in new)


@contextmanager
def small_disk(bench):
    """Put the folder of the verbs on a disk of its own."""
    bench.case.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(bench.case)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root can mount")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(bench.case)], check=True)


def fill(bench, room):
    """Fill the disk but for `room` pages; return the file that fills it."""
    filler, disk = bench.case / "home" / "filler", os.statvfs(bench.case)
    filler.write_bytes(bytes((disk.f_bavail - room) * PAGE_BYTES))
    assert os.statvfs(bench.case).f_bavail <= room
    return filler


def test_the_tables_have_every_verb():
    DISK.check_cases()
    SMALL.check_cases()
