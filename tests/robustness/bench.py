"""Verbs, the state in which each begins, and what of its files is right after a fault.

Every run of a verb happens in the same folder, which is put back before, so that paths in results
are the same and whole folders can be compared byte by byte.
"""

import hashlib
import json
import re
import shutil
from copy import copy
from dataclasses import dataclass, field

from warm import Warm

from otio_speakerzoom.edits import Programme, operation_from_json
from otio_speakerzoom.pipeline import Job

EDITED = ("locks.json", "people.json", "cutlist.json", "edits.jsonl")
"""Files that hold work of a user."""


@dataclass(frozen=True)
class Verb:
    """A command line, and what it begins with."""

    words: tuple
    begin: str
    """Name of the state: new, cut, edited, by hand."""
    fakes: tuple = ("stages",)
    edits: tuple = ()
    """Which of the files that hold a user's work the verb itself changes."""
    environment: dict = field(default_factory=dict)


TALK = ("{source}", "--work", "{work}")
VERBS = {
    "analyze": Verb(("analyze", *TALK), "new"),
    "analyze again": Verb(("analyze", *TALK, "--detector", "yunet"), "edited",
                          edits=("people.json",)),
    "cut": Verb(("cut", *TALK, "-o", "{out}/talk.otio"), "new"),
    "cut again": Verb(("cut", *TALK, "--style", "calm", "-o", "{out}/old.otio"), "edited",
                      edits=("cutlist.json",)),
    "cut --force": Verb(("cut", *TALK, "--force", "-o", "{out}/old.otio"), "by hand",
                        edits=("cutlist.json", "people.json")),
    "export": Verb(("export", *TALK, "-o", "{out}/old.otio"), "new lock",
                   edits=("cutlist.json", "locks.json")),
    "import": Verb(("import", "{source}", "{case}/edited.fcpxml", "--work", "{work}"), "edited",
                   edits=("locks.json", "cutlist.json")),
    "check": Verb(("check", "{case}/edited.fcpxml"), "edited"),
    "calibrate": Verb(("calibrate", "{out}/chart"), "new", fakes=("chart",)),
    "render": Verb(("render", *TALK, "-o", "{out}/old.mp4", "--height", "90", "--draft"), "edited"),
    "inspect --sheet": Verb(("inspect", *TALK, "--sheet", "{out}/sheet.png"), "edited"),
    "inspect --overlay": Verb(("inspect", *TALK, "--overlay", "{out}/over.mp4"), "edited"),
    "inspect --report": Verb(("inspect", *TALK, "--report", "{out}/old.html", "--csv",
                              "{out}/old.csv"), "edited"),
    "send": Verb(("send", *TALK, "--to", "shotcut"), "new lock",
                 edits=("cutlist.json", "locks.json"),
                 environment={"DISPLAY": ":none", "PATH": "{case}/bin"}),
    "install": Verb(("install", "resolve"), "new"),
    "install premiere": Verb(("install", "premiere"), "new"),
    "uninstall": Verb(("uninstall", "resolve"), "installed"),
    "weights fetch": Verb(("weights", "fetch", "small"), "new", fakes=("weights",),
                          environment={"SPEAKERZOOM_OFFLINE": "0"}),
    "doctor": Verb(("doctor",), "edited"),
}  # fmt: skip


class Bench:
    """A folder in which verbs run, from one of several states."""

    def __init__(self, folder, clip):
        self.case, self._states = folder / "case", folder / "states"
        self.source, self.work, self.out = (
            self.case / name for name in ("talk.mp4", "work", "out")
        )
        self.home = self.case / "home"
        self._other = None
        self.environment = {
            "OMP_NUM_THREADS": "1", "SPEAKERZOOM_OFFLINE": "1", "HOME": str(self.home),
            "XDG_CACHE_HOME": str(self.home / "cache"), "XDG_RUNTIME_DIR": str(self.home),
            "FAULTS_WEIGHTS": str(self.case / "weights.toml"), "SPEAKERZOOM_WEIGHTS": "",
        }  # fmt: skip
        self._warm = Warm(self.environment)
        self.references = {}
        self._make_states(clip)

    @property
    def other(self):
        """Another process that runs verbs in the same folder."""
        if self._other is None:
            self._other = copy(self)
            self._other._warm = Warm(self.environment)
        return self._other

    def close(self):
        self._warm.close()
        if self._other is not None:
            self._other._warm.close()

    def run(self, verb, fault=None, fakes=None):
        """Run a verb as the folder is, with a fault."""
        names = {name: str(getattr(self, name)) for name in ("source", "work", "out", "case")}
        words = [word.format(**names) for word in verb.words]
        environment = {key: text.format(**names) for key, text in verb.environment.items()}
        fakes = verb.fakes if fakes is None else fakes
        return self._warm.run(words, fault, [self.case], environment, fakes)

    def begin(self, state):
        """Put the folder into a state; return its files."""
        self.case.mkdir(exist_ok=True)
        for path in self.case.iterdir():  # the folder itself may be a disk of its own
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        shutil.copytree(self._states / state, self.case, symlinks=True, dirs_exist_ok=True)
        return self.files()

    def files(self):
        """Return the content of every file, by its name in the folder."""
        return {
            path.relative_to(self.case).as_posix(): path.read_bytes()
            for path in sorted(self.case.rglob("*"))
            if path.is_file()
            and not path.is_symlink()
            and path.name != ".lock"
            and path.parent.name != "matplotlib"  # MediaPipe's, which is not ours
        }

    def reference(self, name):
        """Return what a verb leaves where nothing disturbs it: its exit code and files, run once
        and twice, and the places where it could have been disturbed."""
        if name not in self.references:
            verb = VERBS[name]
            before, runs = self.begin(verb.begin), []
            for _ in range(2):
                ended = self.run(verb)
                runs.append((ended, self.files()))
            assert runs[0][0].code == (1 if name == "doctor" else 0), runs[0][0]
            for edited in set(EDITED) - set(verb.edits):  # the work of a user, untouched
                for file in before:
                    assert not file.endswith(edited) or before[file] == runs[0][1][file], file
            self.references[name] = Reference(before, runs)
        return self.references[name]

    def _make_states(self, clip):
        case = self.case
        for folder in (self.work, self.out, self.home, case / "bin"):
            folder.mkdir(parents=True)
        shutil.copy(clip, self.source)
        editor = case / "bin" / "shotcut"
        editor.write_text("#!/bin/sh\nexit 0\n")
        editor.chmod(0o755)
        weights = case / "small.bin"
        weights.write_bytes(bytes(range(256)) * 4096)
        digest = hashlib.sha256(weights.read_bytes()).hexdigest()
        (case / "weights.toml").write_text(
            f'[small]\nfile = "weights.bin"\nsha256 = "{digest}"\nlicence = "none"\n'
            f'kind = "scorer"\nwhat = "Test."\nsources = ["{weights.as_uri()}"]\n'
            f"size = {weights.stat().st_size}\n"
        )
        for name in ("old.otio", "old.mp4", "old.html", "old.csv"):
            (self.out / name).write_text("of an earlier run\n")
        self._save("new")
        self._do(Verb(("install", "resolve"), "new"))
        self._save("installed")
        self.begin("new")
        self._do(Verb(("cut", *TALK, "-o", "{out}/talk.otio"), "new"))
        job = Job(self.source, self.work)
        programme = Programme(job)
        state = programme.state()
        shot = state.cut_list.shots[0]
        (case / "talk.mp4").touch()
        page = {"start": shot.range.start, "end": shot.range.end, "subjects": list(shot.subjects)}
        rows = [{"name": "assign", "shot": page, "subjects": [3 - shot.subjects[0]]},
                {"name": "rename", "person": 1, "to": "Ada"}]  # fmt: skip
        programme.apply([operation_from_json(row) for row in rows], state.revision)
        self._do(Verb(("export", *TALK, "-o", "{case}/edited.fcpxml"), "new"))
        rows = [{"name": "split", "frame": 30}]
        programme.apply([operation_from_json(row) for row in rows], programme.state().revision)
        self._save("edited")
        locks = job.folder / "locks.json"
        document = json.loads(locks.read_text())
        document["locks"].append({"start": 160, "end": 180, "show": "wide"})
        locks.write_text(json.dumps(document))
        self._save("new lock")
        self.begin("edited")
        cut = job.folder / "cutlist.json"
        text = re.sub(r'"reason": "[^"]*"', '"reason": "by hand"', cut.read_text(), count=1)
        assert text != cut.read_text()
        cut.write_text(text)
        self._save("by hand")

    def _do(self, verb):
        ended = self.run(verb)
        assert ended.code == 0, ended

    def _save(self, state):
        shutil.copytree(self.case, self._states / state, symlinks=True)


@dataclass(frozen=True)
class Reference:
    """What a verb leaves where nothing disturbs it."""

    before: dict
    runs: list

    @property
    def places(self):
        return self.runs[0][0].places

    @property
    def after(self):
        return self.runs[0][1]


def is_temporary(name):
    """Whether a file is one that the next run may still find, and removes."""
    folder, _, file = name.rpartition("/")
    return (file.startswith(".") and ".part" in file) or "/.fetch-" in f"/{folder}/"


def is_unfinished(name):
    return "/unfinished/" in name


def faults_of_files(now, reference, may_leave):
    """Return what is wrong with the files after a fault: each must be the old or the new one."""
    before, after = reference.before, reference.after
    twice = reference.runs[1][1]
    wrong = [f"{name} is lost" for name in before if name not in now and name in after]
    for name, content in now.items():
        if is_temporary(name):
            wrong += [] if may_leave else [f"{name} is left"]
        elif is_unfinished(name):
            continue
        elif ".bak-" in name:
            if content != before.get(name.partition(".bak-")[0]):
                wrong.append(f"{name} is no copy")
        elif content not in (before.get(name), after.get(name), twice.get(name)):
            wrong.append(f"{name} is neither the old nor the new one")
    return wrong


def state_key(files):
    """Return a key that two folders share from which the next run does the same."""
    names = sorted(
        (re.sub(r"-[0-9]+-[0-9a-z_]+", "", name) if is_temporary(name) else name,
         b"" if is_temporary(name) else hashlib.sha256(content).digest())
        for name, content in files.items()
    )  # fmt: skip
    return repr(names)


def faults_of_next_run(bench, name, reference):
    """Run a verb again, undisturbed; return what differs from a run that never was disturbed."""
    ended = bench.run(VERBS[name])
    files = bench.files()
    for undisturbed, expected in reference.runs:
        if ended.code == undisturbed.code and files == expected:
            return []
    code, expected = reference.runs[0][0].code, reference.after
    differs = sorted(
        file for file in {*files, *expected} if files.get(file) != expected.get(file)
    )  # fmt: skip
    return [f"the next run ends with {ended.code}, not {code}: {ended.stderr[-300:]}; {differs}"]


def spread(count, wanted):
    """Return up to `wanted` numbers below `count`, as even as can be, first and last included."""
    if count <= wanted:
        return list(range(count))
    return sorted({round(n * (count - 1) / (wanted - 1)) for n in range(wanted)})
