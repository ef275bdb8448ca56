"""What must be right after a verb was killed, or could not write."""

import os
import signal

from bench import VERBS, faults_of_files, faults_of_next_run, state_key

EVERY = os.environ.get("SPEAKERZOOM_EVERY_PLACE") == "1"
"""Whether to try every place, by hand, and to check no table."""
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGKILL")


def kill(bench, name, at, signal_name, seen):
    """Kill a verb at a place; return what is wrong then."""
    reference, number = bench.reference(name), getattr(signal, signal_name)
    bench.begin(VERBS[name].begin)
    ended = bench.run(VERBS[name], {"kind": "signal", "at": at, "signal": number})
    place = f"{signal_name} at {at} {reference.places[at]}: "
    wrong = [] if ended.hit else ["the signal was not sent"]
    wrong += [f"process {name} is left" for name in ended.left]
    files = bench.files()
    wrong += faults_of_files(files, reference, may_leave=number == signal.SIGKILL)
    wrong += faults_of_end(ended, number)
    key = state_key(files)
    if key not in seen:
        seen.add(key)
        wrong += faults_of_next_run(bench, name, reference)
    return [place + text for text in wrong]


def faults_of_end(ended, number):
    """Return what is wrong with how a killed process ends, and with what it says."""
    if number == signal.SIGKILL:
        return [] if ended.code == -number else [f"exit code {ended.code}"]
    wrong = [] if ended.code == 128 + number else [f"exit code {ended.code}"]
    errors = [line for line in ended.lines if line.startswith("error: ")]
    if len(errors) != 1 or ended.lines[-1] != errors[0]:
        wrong.append(f"says {ended.stderr!r}")
    return [*wrong, "a traceback"] if "Traceback" in ended.stderr else wrong


def faults_of_failed_write(bench, name, ended, seen):
    """Return what is wrong after a run whose writes failed."""
    reference, files = bench.reference(name), bench.files()
    if ended.code == 0:
        return [] if files in (reference.after, reference.runs[1][1]) else ["ends with 0"]
    wrong = faults_of_files(files, reference, may_leave=False)
    errors = [line for line in ended.lines if line.startswith("error: ")]
    if ended.code != 1 or len(errors) != 1 or ended.lines[-1] != errors[0]:
        wrong.append(f"ends with {ended.code}: {ended.stderr!r}")
    elif "Traceback" in ended.stderr or "a bug in speakerzoom" in ended.stderr:
        wrong.append(f"is no known fault: {errors[0]}")
    elif ";" not in errors[0]:
        wrong.append(f"says not what to do: {errors[0]}")
    wrong += [f"process {left} is left" for left in ended.left]
    key = state_key(files)
    if key not in seen:
        seen.add(key)
        wrong += faults_of_next_run(bench, name, reference)
    return wrong
