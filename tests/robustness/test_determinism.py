"""The same input gives the same bytes, whatever else differs; other threads give the same cut."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import generated_store
import numpy as np
import pytest
from robustness.tables import Table

from otio_speakerzoom import store
from otio_speakerzoom.speech.calibration import LOG_ODDS_STEPS

TESTS = Path(__file__).parents[1]
SAMPLE = TESTS.parent / "samples" / "two_talkers.mp4"
PART = ["--in", "0s", "--out", "3s", "--canvas", "320x180", "--scorer", "sync-asd"]
FILMS = {".mp4", ".mkv"}
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")
TIMEOUT_S = 1200

ELSEWHERE = {
    "PYTHONHASHSEED": "7", "TZ": "Asia/Kathmandu", "LC_ALL": "C", "LANG": "tr_TR.UTF-8",
    "USER": "somebody",
}  # fmt: skip
LATER = {"hours": 1, "machine": "other"}
AWAY = {"work": "results", "away": True}

CASES = {
    "nothing: the same once more": {},
    "hash seed, time zone, language, user": ELSEWHERE,
    "an hour later, on a machine of another name": LATER,
    "folder of results, working directory, home, umask": AWAY,
    "the recording's folder, whose name every timeline has": {"moved": True},
    "`analyze`, then `cut`": {"cut": [["analyze", *PART[:4], *PART[6:]], ["cut", *PART]]},
    "interrupted, then run again": {"stop_after": 2, "cut": [["cut", *PART], ["cut", *PART]]},
    "`--jobs 2`, in segments of a second": {
        "segments": 1, "cut": [["cut", *PART, "--jobs", "2"]],
    },
    "one core": {"cores": 1},
    "2 threads for the network": {"threads": 2},
    "4 threads for the network": {"threads": 4},
}  # fmt: skip

TABLE = Table("determinism", ("What differs", "What comes out"), tuple(CASES))


class Run:
    """A process that writes every output of a recording into a folder of its own."""

    def __init__(self, source, folder, case, cut):
        settings = {"work": "work", "cut": cut, **case}
        environment = {name: settings.pop(name) for name in ELSEWHERE if name in settings}
        environment |= dict.fromkeys(THREADS, str(settings.pop("threads", 1)))
        umask, cwd = -1, TESTS
        if settings.pop("away", False):
            umask, cwd = 0o077, folder.parent
            # where the weights are stays the same
            cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
            environment |= {"HOME": str(folder / "home"), "XDG_CACHE_HOME": cache}
        folder.mkdir()
        if settings.pop("moved", False):
            (folder.parent / "moved").mkdir()
            source = Path(shutil.copy(source, folder.parent / "moved"))
        self.source, self.folder, self.work = source, folder, settings["work"]
        program = TESTS / "robustness" / "every_output.py"
        settings |= {"source": str(source), "folder": str(folder)}
        self.process = subprocess.Popen(
            [sys.executable, program, json.dumps(settings)],
            env={**os.environ, "PYTHONPATH": f"{TESTS.parent}{os.pathsep}{TESTS}", **environment},
            cwd=cwd, umask=umask, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def finish(self):
        """Wait for it; return the exit codes, without those of the first commands."""
        out, errors = self.process.communicate(timeout=TIMEOUT_S)
        assert self.process.returncode == 0, errors
        return json.loads(out)[-COMMANDS:]

    def files(self):
        """Return the bytes of each file by its name, with one name for folders of any run."""
        folders = {
            str(self.folder): "FOLDER", str(self.source.parent): "SOURCE",
            f"FOLDER/{self.work}": "FOLDER/work",
        }  # fmt: skip
        files = {}
        for path in sorted(self.folder.rglob("*")):
            if path.is_file() and path.name != "first commands":
                data = path.read_bytes()
                for name, short in folders.items():
                    data = data.replace(name.encode(), short.encode())
                name = path.relative_to(self.folder).as_posix()
                files[name.replace(f"{self.work}/", "work/", 1)] = data
        return files

    def results(self):
        return next((self.folder / self.work).glob("*.speakerzoom"))


COMMANDS = 30
"""That `every_output` runs after the first ones."""


def differences(files, others):
    """Return the names of the files that are not the same in both."""
    return sorted(name for name in files.keys() | others if files.get(name) != others.get(name))


def test_every_output_has_the_same_bytes_whatever_else_differs(make_clip, tmp_path):
    """Four seconds of two people, with a generated analysis."""
    film = Path(shutil.copy(make_clip("talk.mp4", seconds=4), tmp_path / "talk.mp4"))
    results = str(generated_store.generate_analysis(film, 2))
    cut = [["cut", "--style", "lively", "--canvas", "320x180"]]
    case = {**ELSEWHERE, **LATER, **AWAY, "results": results}

    runs = [
        Run(film, tmp_path / "here", {"results": results}, cut),
        Run(film, tmp_path / "there", case, cut),
    ]
    codes = [run.finish() for run in runs]
    here, there = (run.files() for run in runs)

    assert codes[0] == codes[1]
    assert {"film.mp4", "film.mkv", "overlay.mp4", "sheet.png", "report.html"} < here.keys()
    assert differences(here, there) == []


# --- a whole analysis -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A run with one thread on every core, over three seconds of the sample; with its files."""
    run = Run(SAMPLE, tmp_path_factory.mktemp("first") / "run", {}, [["cut", *PART]])
    return run, run.finish(), run.files()


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_a_whole_run_comes_out_the_same(case, first, tmp_path):
    one, codes, files = first
    settings = {name: value for name, value in CASES[case].items() if name != "cut"}
    run = Run(SAMPLE, tmp_path / "run", settings, CASES[case].get("cut", [["cut", *PART]]))

    assert run.finish() == codes
    others = run.files()

    if case.endswith("threads for the network"):
        assert_same_cut(one.results(), run.results())
        TABLE.check(case, f"the same cut; scores at most 1/{LOG_ODDS_STEPS} apart")
    elif case == "one core":
        assert {Path(name).suffix for name in differences(files, others)} <= FILMS
        count = sum(Path(name).suffix not in FILMS for name in files)
        TABLE.check(case, f"the same bytes: {count} files; films may have others")
    elif run.source != SAMPLE:
        files, others = ({n: without_ids(data) for n, data in f.items()} for f in (files, others))
        assert differences(files, others) == []
        TABLE.check(case, f"the same bytes but for the path, and ids from it: {len(files)} files")
    else:
        assert differences(files, others) == []
        TABLE.check(case, f"the same bytes: {len(files)} files")


def assert_same_cut(results, others):
    """Check that only scores differ, by a step, and what is computed from them."""
    for name in ("media.json", "options.json"):
        assert (results / name).read_bytes() == (others / name).read_bytes(), name
    (part,), (other_part,) = ((r / "parts").iterdir() for r in (results, others))
    for name in ("detections.npz", "tracks.npz", "panels.npz", "voice.npz", "people.json"):
        assert (part / name).read_bytes() == (other_part / name).read_bytes(), name
    shots, other_shots = (
        [{**shot, "confidence": None} for shot in json.loads(path.read_text())["shots"]]
        for path in (results / "cutlist.json", others / "cutlist.json")
    )
    assert shots == other_shots
    scores, other_scores = (store.load_scores(path).value.scores for path in (part, other_part))
    for one, other in zip(scores, other_scores, strict=True):
        apart = np.abs(one.logits - other.logits) * LOG_ODDS_STEPS
        assert set(np.unique(apart)) <= {0, 1}


def without_ids(data):
    """Return a document without the ids and digests that come from the path of its recording."""
    for pattern in (
        rb"<uuid>[0-9a-f-]{36}</uuid>",
        rb'docproperties.documentid">[0-9]+<',
        rb'"content_digest": "[0-9a-f]{32}"',
        rb'"revision":"[0-9a-f]{16}"',
    ):
        data = re.sub(pattern, b"", data)
    return data


@pytest.mark.slow
def test_a_test_chart_has_the_same_bytes_whatever_else_differs(tmp_path):
    files = []
    for environment in ({}, ELSEWHERE):
        command = [sys.executable, "-m", "otio_speakerzoom", "calibrate", str(tmp_path / "chart")]
        environment = {**os.environ, "PYTHONPATH": str(TESTS.parent), **environment}
        subprocess.run(command, env=environment, check=True, capture_output=True)
        files.append({path.name: path.read_bytes() for path in (tmp_path / "chart").iterdir()})
        shutil.rmtree(tmp_path / "chart")

    assert len(files[0]) > 10
    assert differences(*files) == []


def test_the_page_has_a_row_for_every_case():
    TABLE.check_cases()
