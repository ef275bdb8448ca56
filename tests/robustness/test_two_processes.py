"""Two programs at work on one recording: the end is as if one came after the other.

The first is paused at several of its places, and the second runs meanwhile.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest
from bench import TALK, VERBS, Verb, spread
from tables import Table

from otio_speakerzoom.edits import Programme, operation_from_json
from otio_speakerzoom.errors import StoreError
from otio_speakerzoom.pipeline import Job

pytest_plugins = ["bench_folder"]

PAUSES, PAUSE_S = 4, 1.0
MAX_TRIES = 12
CALM = Verb(("cut", *TALK, "--style", "calm", "-o", "{out}/calm.otio"), "edited")
LIVELY = Verb(("cut", *TALK, "--style", "lively", "-o", "{out}/lively.otio"), "edited")
EXPORT = Verb(("export", *TALK, "-o", "{out}/export.fcpxml"), "edited")
RENDER = Verb(("render", *TALK, "-o", "{out}/film.mp4", "--height", "90", "--draft"), "edited")
CSV = Verb(("inspect", *TALK, "--csv", "{out}/faces.csv"), "edited")
BATCH = Verb(("batch", "{source}", "--work", "{work}", "-o", "{out}/cuts", "-j", "1"), "edited")
EDIT = "an edit on the page"
PAIRS = {
    "cut, cut in another style": (CALM, LIVELY),
    "cut, export": (CALM, EXPORT),
    "export, cut": (VERBS["export"], CALM),
    "analyze, render": (VERBS["analyze again"], RENDER),
    "analyze, inspect": (VERBS["analyze again"], CSV),
    "inspect, cut": (CSV, CALM),
    "import, cut": (VERBS["import"], CALM),
    "cut, an edit on the page": (CALM, EDIT),
    "export, an edit on the page": (VERBS["export"], EDIT),
    "cut, batch": (CALM, BATCH),
}
BEGIN = {"export, cut": "new lock", "export, an edit on the page": "new lock"}
TWO = Table("two processes", ("first, second", "pauses", "failed"), tuple(PAIRS))


def faults_of_end(ended):
    if ended.code or "Traceback" in ended.stderr or ended.left:
        return [f"{ended.code}: {ended.stderr}, {ended.left}"]
    return []


def without_times(files):
    """The journal of edits has the time of each."""
    return {name: text for name, text in files.items() if not name.endswith("edits.jsonl")}


def check_pair(bench, name, pauses):
    """Return what is wrong where the second verb runs while the first is paused."""
    first, second = PAIRS[name]
    begin, wrong, orders = BEGIN.get(name, "edited"), [], []
    for order in ((first, second), (second, first)):
        bench.begin(begin)
        ended = [end_of(bench, verb) for verb in order]
        assert not any(ended), ended
        orders.append(without_times(bench.files()))
    bench.begin(begin)
    places = bench.run(first).places
    for at in spread(len(places), pauses):
        bench.begin(begin)
        fault = {"kind": "pause", "at": at, "seconds": PAUSE_S}
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(bench.run, first, fault)
            ends = end_of(bench.other, second)
            paused = running.result()
        label = f"paused at {at} {places[at]}: "
        wrong += [label + text for text in (*ends, *faults_of_end(paused))]
        files = without_times(bench.files())
        if files not in orders:
            differ = [
                sorted(n for n in {*files, *order} if files.get(n) != order.get(n))
                for order in orders
            ]
            wrong.append(f"{label}is no order: {differ}")
    return wrong


def end_of(bench, verb):
    if verb != EDIT:
        return faults_of_end(bench.run(verb))
    programme = Programme(Job(bench.source, bench.work))
    row = operation_from_json({"name": "rename", "person": 2, "to": "Eve"})
    for _ in range(MAX_TRIES):
        try:
            programme.apply([row], programme.state().revision)
        except StoreError as error:  # where the other program takes long, the page says so
            if "try again" not in str(error):
                raise
        else:
            return []
    return ["the edit waits for ever"]


@pytest.mark.slow
@pytest.mark.parametrize("name", PAIRS)
def test_two_at_once_are_as_one_after_the_other(bench, name):
    wrong = check_pair(bench, name, PAUSES)
    assert not wrong, "\n".join(wrong)
    TWO.check(name, PAUSES, len(wrong))


def test_the_table_has_every_pair():
    TWO.check_cases()
