"""The tables that `speakerzoom inspect` prints: people, shots, and the shots to review."""

from __future__ import annotations

from fractions import Fraction

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from otio_speakerzoom import pipeline
from otio_speakerzoom.model import CutList, Media, Shot
from otio_speakerzoom.reports.summary import (
    AnalysisSummary,
    Evaluation,
    audio_facts,
    least_certain_first,
    screen_time,
)
from otio_speakerzoom.timecode import frame_to_timecode

_NO_CUT = "nothing is cut yet: `speakerzoom cut` decides the shots"


def show(summary: AnalysisSummary, evaluation: Evaluation | None, console: Console) -> None:
    """Print facts of the source, tables of the people and the shots, and the evaluation."""
    media = summary.media
    console.print(
        f"{media.path.name}: {media.size[0]}x{media.size[1]}, {media.rate} fps, "
        f"{media.duration} frames ({float(media.duration / media.rate):.2f} s)",
        markup=False,
    )
    _show_audio(summary, console)
    people = Table("person", "seen", "speaks", "shown alone", title="People")
    for person, *spans in screen_time(summary):
        people.add_row(escape(person.label), *(f"{span:.1f} s" for span in spans))
    console.print(people)
    if summary.cut_list is None:
        console.print(_NO_CUT)
        return
    console.print(_shots(summary.cut_list))
    if evaluation:
        console.print(_evaluation_line(evaluation), markup=False, highlight=False, soft_wrap=True)


def show_review(summary: AnalysisSummary, console: Console) -> None:
    """Print the shots, the least certain first, each with what else could be shown."""
    if summary.cut_list is None:
        console.print(_NO_CUT)
        return
    table = Table("sure", "shot", title="Doubtful first")
    table.add_column("at", no_wrap=True)
    for name in ("length", "shows", "why", "or"):
        table.add_column(name)
    for number, shot in least_certain_first(summary.cut_list):
        length = shot.range.duration / float(summary.media.rate)
        texts = (summary.cut_list.shot_label(shot), shot.reason, _alternative(summary, shot))
        table.add_row(
            f"{shot.confidence:.2f}", str(number),
            _timecode(summary.media, shot.range.start), f"{length:.2f} s",
            *map(escape, texts),
        )  # fmt: skip
    console.print(table)


def _show_audio(summary: AnalysisSummary, console: Console) -> None:
    if audio := audio_facts(summary):
        microphones = "; ".join(audio["microphones"])
        console.print(
            f"audio ({microphones}): voices for {audio['heard_s']:.1f} s, "
            f"{audio['heard_unseen_s']:.1f} s of it while nobody visible speaks",
            soft_wrap=True,
        )
    if warning := pipeline.sync_warning(summary.media, summary.speech):
        console.print(f"warning: {warning}", markup=False, soft_wrap=True)


def _shots(cut_list: CutList) -> Table:
    rate = cut_list.media.rate
    table = Table("from", "to", "length", "shows", "why", title="Shots")
    for shot in cut_list.shots:
        start, end = (float(frame / rate) for frame in (shot.range.start, shot.range.end))
        table.add_row(
            f"{start:.2f} s",
            f"{end:.2f} s",
            f"{end - start:.2f} s",
            escape(cut_list.shot_label(shot)),
            escape(shot.reason),
        )
    return table


def _evaluation_line(evaluation: Evaluation) -> str:
    figures = evaluation.figures
    return (
        f"judged by {evaluation.against}: while one person speaks ({figures.alone_s:.1f} s) the "
        f"speaker is in frame for {figures.in_frame:.3f} of the time, alone in frame for "
        f"{figures.right:.3f}, and only others for {figures.wrong:.3f}; shortest shot "
        f"{figures.shortest_s:.2f} s, {figures.reversals} reversals (more with --report FILE.html)"
    )


def _timecode(media: Media, frame: int) -> str:
    """Return the source's timecode of a frame; seconds where its rate has no timecode."""
    base = round(media.rate)
    if media.rate not in (base, Fraction(base * 1000, 1001)):
        return f"{float(frame / media.rate):.2f} s"
    return frame_to_timecode(media.start + frame, base, drop=media.drop_frame)


def _alternative(summary: AnalysisSummary, shot: Shot) -> str:
    """Return what else could be shown: who else speaks most in the shot, or the wide."""
    frames_of = summary.speaks[:, shot.range.start : shot.range.end].sum(axis=1)
    others = [
        (int(frames), person.label)
        for frames, person in zip(frames_of, summary.people, strict=True)
        if frames and person.id not in shot.subjects
    ]
    return max(others)[1] if others else ("Wide" if shot.subjects else "")
