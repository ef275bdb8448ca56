"""Compare what two checkouts write, byte by byte: every output of every verb, over some clips.

    python benchmarks/same_outputs.py ../before . out/ samples/two_talkers.mp4 clip.mp4 ...

Runs the command line of each checkout over each clip, in a folder of the same name, and compares
every file that it wrote, its stdout and its exit codes. stderr is stored, and not compared. Prints
what differs; exit code 1 if anything does. A checkout whose outputs are in OUT already, from an
earlier run, is not run again: remove OUT/before or OUT/after to run it.

Where the older checkout has other schema versions or names, give a file of `sed -E` commands
(`--names`), which is applied to the text of both. Of .npz files the arrays are then compared by
their values, whatever their names.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

TIMELINES = {
    "resolve.otio": "resolve", "premiere.otio": "premiere", "plain.otio": "plain",
    "fcp.fcpxml": "fcp", "resolve.fcpxml": "resolve", "premiere.xml": "premiere",
    "resolve.xml": "resolve", "shotcut.mlt": "shotcut", "kdenlive.kdenlive": "kdenlive",
    "cuts.edl": "edl", "markers.edl": "markers",
}  # fmt: skip
"""File -> its editor. `check` does not read an EDL."""

STYLES = {
    "calm": ["--style", "calm", "--canvas", "9:16"],
    "lively": ["--style", "lively", "--follow", "smooth", "--overlap", "two-shot"],
    "reframe": ["--follow", "reframe", "--off-screen", "listener", "--tightness", "3"],
    "stacked": ["--layout", "stacked", "--reactions-per-minute", "4", "--max-shot", "8s"],
}
"""Each of these plans again: styles, canvases and layouts that take other paths in the code."""

TEXT = {
    ".json", ".otio", ".fcpxml", ".xml", ".mlt", ".kdenlive", ".edl", ".html", ".csv", ".txt",
    ".toml",
}  # fmt: skip


def main() -> int:
    """Run both, compare, and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("before", type=Path, help="a checkout")
    parser.add_argument("after", type=Path, help="another")
    parser.add_argument("out", type=Path, help="where the outputs go")
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--names", type=Path, help="sed commands that unify names")
    arguments = parser.parse_args()
    for name in ("before", "after"):
        if not (arguments.out / name).is_dir():
            run_all(getattr(arguments, name).resolve(), arguments.out / name, arguments.clips)
    differences = list(compare(arguments.out / "before", arguments.out / "after", arguments.names))
    for line in differences:
        print(line)
    count = sum(1 for _ in files(arguments.out / "before"))
    print(f"{count} files, {len(differences)} differ")
    return 1 if differences else 0


def run_all(checkout: Path, to: Path, clips: list[Path]) -> None:
    """Run every verb of `checkout` over each clip, and move what it wrote to the folder `to`."""
    # every timeline names its folder, so both checkouts write into the same one
    folder = (to.parent / "run").absolute()
    shutil.rmtree(folder, ignore_errors=True)
    for clip in clips:
        here = folder / clip.stem
        here.mkdir(parents=True)
        for number, command in enumerate(commands(clip.absolute(), here)):
            run(checkout, command, here / f"{number:02} {command[0]}")
    folder.rename(to)


def commands(clip: Path, here: Path) -> Iterator[list[str]]:
    """Yield the arguments of each command, in order."""
    work = ["--work", str(here / "work")]
    first, *others = TIMELINES.items()
    yield ["cut", str(clip), *work, "-o", str(here / first[0]), "--for", first[1]]
    for name, editor in others:
        yield ["export", str(clip), *work, "-o", str(here / name), "--for", editor]
    for name in TIMELINES:
        if not name.endswith(".edl"):
            yield ["check", str(here / name)]
    yield ["inspect", str(clip), *work]
    yield ["inspect", str(clip), *work, "--json"]
    yield ["inspect", str(clip), *work, "--review"]
    yield ["inspect", str(clip), *work, "--csv", str(here / "scores.csv")]
    yield ["inspect", str(clip), *work, "--sheet", str(here / "sheet.png")]
    yield ["inspect", str(clip), *work, "--overlay", str(here / "overlay.mp4")]
    labels = clip.with_suffix(".json")
    truth = ["--labels", str(labels)] if labels.is_file() else []
    for suffix in (".html", ".png"):
        yield ["inspect", str(clip), *work, "--report", str(here / f"report{suffix}"), *truth]
    yield ["render", str(clip), *work, "-o", str(here / "film.mp4")]
    yield ["import", str(clip), str(here / "premiere.xml"), *work]
    yield ["export", str(clip), *work, "-o", str(here / "locked.fcpxml")]
    for name, options in STYLES.items():
        shutil.copytree(here / "work", here / name)
        again = ["--work", str(here / name), *options, "--force"]
        yield ["cut", str(clip), *again, "-o", str(here / f"{name}.otio")]
        yield ["render", str(clip), "--work", str(here / name), "-o", str(here / f"{name}.mp4")]
        yield ["export", str(clip), "--work", str(here / name), "-o", str(here / f"{name}.mlt")]
    yield ["calibrate", str(here / "calibrate")]


def run(checkout: Path, command: list[str], log: Path) -> None:
    """Run one command of `checkout`; store its stdout, stderr and exit code."""
    done = subprocess.run(  # nosec B603 # our own arguments
        [sys.executable, "-m", "otio_speakerzoom", *command],
        env={**os.environ, "PYTHONPATH": str(checkout)},
        cwd=checkout, capture_output=True, check=False,
    )  # fmt: skip
    log.with_suffix(".stdout.txt").write_bytes(done.stdout)
    log.with_suffix(".stderr.log").write_bytes(done.stderr)
    log.with_suffix(".code.txt").write_text(f"{done.returncode}\n")
    print(f"{checkout.name}: {' '.join(command[:2])} -> {done.returncode}", flush=True)


def files(folder: Path) -> Iterator[Path]:
    """Yield the files below `folder` that are compared, relative to it."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != ".log":
            yield path.relative_to(folder)


def compare(before: Path, after: Path, names: Path | None) -> Iterator[str]:
    """Yield a line for each file that is not the same in both."""
    ours, theirs = set(files(before)), set(files(after))
    for path in sorted(ours ^ theirs):
        yield f"only {'before' if path in ours else 'after'}: {path}"
    for path in sorted(ours & theirs):
        if digest(before / path, names) != digest(after / path, names):
            yield f"differs: {path}"


def digest(path: Path, names: Path | None) -> str:
    """Return the SHA-256 of a file's bytes, or of its text with the names unified."""
    data = path.read_bytes()
    if names and path.suffix == ".npz":
        data = b"".join(sorted(array_values(path)))
    elif names and path.suffix in TEXT:
        sed = ["sed", "-E", "-f", str(names)]
        data = subprocess.run(  # nosec B603 # our own arguments
            sed, input=data, capture_output=True, check=True
        ).stdout
    return hashlib.sha256(data).hexdigest()


def array_values(path: Path) -> Iterator[bytes]:
    """Yield type, shape and values of each array of numbers; schema and digests are texts."""
    with np.load(path, allow_pickle=False) as arrays:
        for array in arrays.values():
            if array.dtype.kind != "U":
                yield f"{array.dtype} {array.shape} ".encode() + array.tobytes()


if __name__ == "__main__":
    sys.exit(main())
