"""Frames one shot as a plan with a lock for it would, without planning the others again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache

from otio_speakerzoom.director.explain import explain
from otio_speakerzoom.director.planned_shot import WIDE
from otio_speakerzoom.director.preferences import allowed_angles, apply_preferences
from otio_speakerzoom.director.shot_framer import ShotFramer
from otio_speakerzoom.director.speaker_activity import SpeakerActivity, speaker_activity_of
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.director.two_ups import IN_TWO_HALVES
from otio_speakerzoom.model import (
    FaceTrack,
    FrameRange,
    Media,
    Panel,
    Person,
    Shot,
    SpeechScores,
    VoiceActivity,
)


class OneShotDirector:
    """Frames single shots of a cut whose other shots stay as they are."""

    def __init__(
        self,
        media: Media,
        tracks: Sequence[FaceTrack],
        people: Sequence[Person],
        scores: Sequence[SpeechScores],
        style: Style,
        *,
        canvas: tuple[int, int],
        camera_cuts: Sequence[int] = (),
        within: FrameRange | None = None,
        voice: VoiceActivity | None = None,
        panels: Sequence[Panel] = (),
    ) -> None:
        """Take what `direct` takes."""
        self._people, self._style = people, style

        @cache  # it takes much longer than a crop, and most crops do not need it
        def activity_of() -> SpeakerActivity:
            span = within or media.range
            activity = speaker_activity_of(media, tracks, people, scores, voice, style, span)
            return apply_preferences(activity, people)

        self._activity_of = activity_of
        self._framer = ShotFramer(
            media, tracks, people, canvas, style, camera_cuts, activity_of, panels
        )

    def frame(
        self,
        span: FrameRange,
        subjects: Sequence[int],
        before: Iterable[Shot],
    ) -> Shot:
        """Return a locked shot of `span` that shows the people with these ids, or the wide.

        `before` are the shots before it, the latest first: a single is framed as the last one of
        that person since the source's own last cut, if that is as good.
        """
        framing = tuple(sorted(self._row(id_) for id_ in subjects))
        self._framer.forget()
        if len(framing) == 1:
            last = next((shot for shot in before if shot.subjects == tuple(subjects)), None)
            if last:
                self._framer.remember(framing, last.range, last.crop)
        crop = self._framer.crop(framing, span)
        return self._framer.locked_shot(framing, span, crop, is_by_hand=False)

    def with_covers(self, shot: Shot) -> Shot:
        """Return a shot with covers over the faces that its crop cannot keep out, by the style."""
        return replace(shot, covers=self._framer.covers(shot))

    def explain(self, shot: Shot) -> Shot:
        """Return a shot with the reason and the confidence that the director would give."""
        framing = self._framing(shot)
        why, sure = explain(self._people, self._activity_of(), framing, shot.range, self._style)
        why += IN_TWO_HALVES if shot.two_up else ""
        return replace(shot, reason=why, confidence=sure)

    def angles(self, shots: Sequence[Shot]) -> tuple[Shot, ...]:
        """Return the alternative framings of these shots."""
        self._framer.forget()
        return allowed_angles(self._framer.angles(shots), self._people)

    def _framing(self, shot: Shot) -> tuple[int, ...]:
        return tuple(sorted(self._row(id_) for id_ in shot.subjects)) or WIDE

    def _row(self, id_: int) -> int:
        return next(n for n, person in enumerate(self._people) if person.id == id_)
