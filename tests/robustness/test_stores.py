"""Work folders that are damaged, of another version, or of another recording: right, or one line.

What somebody worked on is never lost: neither the damaged file nor one beside it.
"""

import random
import re
import shutil

import numpy as np
import pytest
from tables import Table
from two_faces import files

from otio_speakerzoom import pipeline
from otio_speakerzoom.cli.main import main
from otio_speakerzoom.edits import Programme, operation_from_json
from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.pipeline import Job

pytest_plugins = ["faked_stages"]

USERS = ("people.json", "locks.json", "cutlist.json", "edits.jsonl", "options.json")
ARRAYS = ("detections.npz", "tracks.npz", "panels.npz", "voice.npz", "scores.npz")
NAMES = ("media.json", *ARRAYS, *USERS)


@pytest.fixture(scope="module")
def edited(clip, tmp_path_factory):
    """The work folder of a recording that was cut, edited on the page and by hand."""
    from faked_stages import fake_embedder, fake_stages

    with pytest.MonkeyPatch.context() as patched:
        fake_embedder(patched)
        fake_stages(patched)
        job = Job(clip, tmp_path_factory.mktemp("edited"))
        pipeline.cut(job)
        programme = Programme(job)
        shot = programme.state().cut_list.shots[0]
        page = {"start": shot.range.start, "end": shot.range.end, "subjects": list(shot.subjects)}
        rows = [
            {"name": "assign", "shot": page, "subjects": [3 - shot.subjects[0]]},
            {"name": "rename", "person": 1, "to": "Ada"},
        ]
        programme.apply([operation_from_json(row) for row in rows], programme.state().revision)
    return job.folder


@pytest.fixture(scope="module")
def other(make_clip, tmp_path_factory):
    """The work folder of another recording."""
    from faked_stages import fake_embedder, fake_stages

    with pytest.MonkeyPatch.context() as patched:
        fake_embedder(patched)
        fake_stages(patched)
        job = Job(make_clip("another.mp4", seconds=12, rate="24"), tmp_path_factory.mktemp("other"))
        pipeline.cut(job)
        programme = Programme(job)
        rows = [{"name": "split", "frame": 5}, {"name": "rename", "person": 1, "to": "Bob"}]
        programme.apply([operation_from_json(row) for row in rows], programme.state().revision)
    return job.folder


@pytest.fixture
def folder(edited, job):
    shutil.copytree(edited, job.folder)
    return job.folder


VERBS = ("export", "cut", "inspect", "page")
"""`page` is what the review page reads."""


class Runs:
    """Runs verbs on a job whose folder was damaged, and looks at what they did."""

    def __init__(self, job, capsys, folder):
        self._job, self._capsys = job, capsys
        self.before, self.right = files(job), {}
        for verb in VERBS:
            code, _, self.right[verb] = self._run(verb)
            assert code == 0
        shutil.rmtree(job.folder)

    def outcome(self, verb):
        """Run a verb; return "right", "another result" or its message, in one line."""
        before = files(self._job)
        code, errors, result = self._run(verb)
        lost = lost_work(before, files(self._job), verb)
        assert not lost, (verb, lost)
        assert "Traceback" not in errors
        assert "a bug in speakerzoom" not in errors, errors
        if code == 0:
            return "right" if result == self.right[verb] else "another result"
        (line,) = [line for line in errors.splitlines() if line.startswith("error: ")]
        assert (code, result) == (1, None)
        return f"`{without_folders(line.removeprefix('error: '))}`"

    def _run(self, verb):
        """Return the exit code, stderr, and what the verb wrote."""
        if verb == "page":
            try:
                return 0, "", Programme(self._job).state().cut_list
            except SpeakerZoomError as error:
                return 1, f"error: {error}\n", None
        output = self._job.folder.parent / "output.csv"
        flag = {"export": "-o", "cut": "-o", "inspect": "--csv"}[verb]
        path = output if verb == "inspect" else output.with_suffix(".otio")
        words = [verb, self._job.source, "--work", self._job.folder.parent, flag, path]
        code = main([str(word) for word in words])
        text = path.read_bytes() if path.exists() else None
        path.unlink(missing_ok=True)
        return code, self._capsys.readouterr().err, text


def lost_work(before, after, verb):
    """Return the files of a user that a verb changed, but for a cut that it plans again.

    Where it does, the content is in a copy.
    """
    copies = {content for name, content in after.items() if ".bak-" in name}
    return [
        name for name in USERS
        if name in before and after.get(name) != before[name] and before[name] not in copies
        and not (name in ("cutlist.json", "options.json") and verb in ("cut", "export"))
    ]  # fmt: skip


def without_folders(text):
    return re.sub(r"(/[^\s;:,]*)+/", "", text)


@pytest.fixture
def runs(job, folder, stage_runs, capsys):
    return Runs(job, capsys, folder)


def newer(path):
    """Make a file one of a version to come."""
    if path.suffix == ".npz":
        with np.load(path) as file:
            arrays = dict(file)
        arrays["schema"] = np.array(str(arrays["schema"]).replace("/2", "/3"))
        np.savez_compressed(path, **arrays)
    else:
        text = path.read_text()
        assert '/2"' in text
        path.write_text(text.replace('/2"', '/3"', 1))


def cut_off(path):
    path.write_bytes(path.read_bytes()[:-2])


def put_folder(path):
    path.unlink()
    path.mkdir()


def put_link(path):
    path.unlink()
    path.symlink_to("nowhere")


DAMAGES = {
    "is of a newer version": newer, "lacks its end": cut_off,
    "is empty": lambda path: path.write_bytes(b""), "is a folder": put_folder,
    "is a link to nothing": put_link,
}  # fmt: skip
STORES = Table("stores", ("file", *DAMAGES), NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_file_is_one_line_or_does_not_matter(name, edited, job, runs):
    outcomes = []
    for damage in DAMAGES.values():
        shutil.copytree(edited, job.folder)
        damage(job.folder / name)
        by_outcome = {}
        for verb in ("export", "page", "cut"):
            by_outcome.setdefault(runs.outcome(verb), []).append(verb)
        outcomes.append("; ".join(
            text if len(by_outcome) == 1 else f"{', '.join(verbs)}: {text}"
            for text, verbs in by_outcome.items()
        ))  # fmt: skip
        shutil.rmtree(job.folder)
    STORES.check(name, *outcomes)


def test_the_table_has_every_file(edited):
    assert {path.name for path in edited.iterdir()} - {".lock"} == {*NAMES}
    STORES.check_cases()


def test_a_file_of_a_newer_version_is_refused_by_every_verb_and_stays(edited, job, runs):
    for name in NAMES:
        shutil.copytree(edited, job.folder)
        newer(job.folder / name)
        before = files(job)
        for verb in VERBS:
            outcome = runs.outcome(verb)
            assert outcome == "right" or "from a newer speakerzoom; update" in outcome, (name, verb)
        after = files(job)
        assert after == before, name
        shutil.rmtree(job.folder)


# --- much of it -----------------------------------------------------------------------------------

TRUNCATIONS, FLIPS, NONSENSE = 10, 10, ("", "hello", "[]", "{}", "null", "{" * 3000, "\0" * 64)
DAMAGE = Table(
    "damage", ("file", "cut off", "bits flipped", "nonsense", "swapped", "failed"), NAMES
)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_any_damage_of_a_file_is_right_or_one_line(name, edited, other, job, runs):
    """What we computed is never wrong unnoticed; results of other inputs count as none."""
    whole, dice = (edited / name).read_bytes(), random.Random(name)
    cuts = [0, 1, len(whole) - 1, *(dice.randrange(len(whole)) for _ in range(TRUNCATIONS - 3))]
    damaged = [whole[:length] for length in cuts]
    for _ in range(FLIPS):
        place, bit = dice.randrange(len(whole)), 1 << dice.randrange(8)
        damaged.append(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
    damaged += [text.encode() for text in NONSENSE]
    damaged.append((other / name).read_bytes())
    failures, folder = [], job.folder
    for number, content in enumerate(damaged):
        may_differ = name in USERS or number == len(damaged) - 1
        for verb in VERBS:
            shutil.copytree(edited, folder)
            (folder / name).write_bytes(content)
            try:
                outcome = runs.outcome(verb)
                assert may_differ or outcome != "another result"
            except AssertionError as error:
                failures.append(f"{verb} {number}: {error}")
            for path in folder.parent.iterdir():  # of another recording, the work has its own
                shutil.rmtree(path)
    assert not failures, "\n".join(failures)
    DAMAGE.check(name, TRUNCATIONS, FLIPS, len(NONSENSE), 1, len(failures))
