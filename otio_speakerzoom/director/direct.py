"""Faces and speech scores to a cut list: who speaks, then the shots, then their crops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from otio_speakerzoom.director.explain import explain
from otio_speakerzoom.director.locks import locked_shots
from otio_speakerzoom.director.merging import merge_equal, split_wides_at_camera_cuts
from otio_speakerzoom.director.plan import plan
from otio_speakerzoom.director.planned_shot import Framing, PlannedShot
from otio_speakerzoom.director.preferences import allowed_angles, apply_preferences
from otio_speakerzoom.director.search_setup import search_for
from otio_speakerzoom.director.shot_framer import ShotFramer
from otio_speakerzoom.director.speaker_activity import SpeakerActivity, speaker_activity_of
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.director.two_ups import IN_TWO_HALVES
from otio_speakerzoom.model import (
    Box,
    CropKey,
    CutList,
    FaceTrack,
    FrameRange,
    Lock,
    Media,
    Panel,
    Person,
    Shot,
    SpeechScores,
    TwoUp,
    VoiceActivity,
)


def direct(
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
    locks: Sequence[Lock] = (),
    stacked: bool = False,
    panels: Sequence[Panel] = (),
) -> CutList:
    """Return the cut of `within` (default: the whole source) for `canvas`, in pixels.

    Without faces or scores the cut is one wide shot. Tracks that belong to nobody in `people` get
    no shot, but singles keep their faces out like any other. `voice` distinguishes silence from a
    voice off screen. Locks stay exact as far as they lie in `within`; an impossible one raises
    SpeakerZoomError. `stacked` adds the angles that were not chosen. No crop crosses the border of
    one of the `panels`, if that can be avoided.
    """
    within = within or media.range
    activity = speaker_activity_of(media, tracks, people, scores, voice, style, within)
    activity = apply_preferences(activity, people)
    locked = locked_shots(locks, people, media, within)
    framer = ShotFramer(media, tracks, people, canvas, style, camera_cuts, lambda: activity, panels)
    planned = _plan(media, activity, framer, style, camera_cuts, locked)
    builder = _ShotBuilder(people, activity, framer, style)
    shots = [builder.build(shot) for shot in planned]
    shots = merge_equal(shots, camera_cuts, media.size, canvas, builder.merge)
    angles = allowed_angles(framer.angles(shots), people) if stacked else ()
    return CutList(media, canvas, tuple(shots), tuple(people), angles)


def _plan(
    media: Media,
    activity: SpeakerActivity,
    framer: ShotFramer,
    style: Style,
    camera_cuts: Sequence[int],
    locked: Sequence[PlannedShot],
) -> list[PlannedShot]:
    """Return all shots, without their crops."""
    search = search_for(activity, framer, media, style, camera_cuts, locked)

    def reframe_frame(shot: PlannedShot) -> int | None:
        return framer.reframe_frame(shot, search.min_shot)

    shots = plan(
        search, activity, style, float(media.rate), locked=locked,
        reframe_frame=reframe_frame if style.follow == "reframe" else None,
    )  # fmt: skip
    if framer.shows_whole_frame:
        return shots
    min_frames = max(1, round(style.camera_cut_seconds * media.rate))
    return split_wides_at_camera_cuts(shots, camera_cuts, min_frames)


@dataclass(frozen=True, slots=True)
class _ShotBuilder:
    """Builds shots from the plan: their crops, reasons and confidence."""

    people: Sequence[Person]
    activity: SpeakerActivity
    framer: ShotFramer
    style: Style

    def build(self, planned: PlannedShot) -> Shot:
        """Return one shot of the programme, as its lock demands if it has one."""
        framing, span, lock, framer = planned.framing, planned.range, planned.lock, self.framer
        crop = lock.crop if lock and lock.crop else framer.crop(framing, span)
        framer.remember(framing, span, crop)
        if lock:
            return framer.locked_shot(framing, span, crop, is_by_hand=lock.crop is not None)
        if two_up := framer.two_up(framing, span):
            return self._explain(span, two_up.framing, two_up.crop, (), two_up.two_up)
        framing = framer.framing_on_screen(framing, span, crop)
        keys = framer.motion(framing, span, crop)
        return self._explain(span, framing, keys[0].crop if keys else crop, keys)

    def merge(
        self, before: Shot, after: Shot, subjects: tuple[int, ...], keys: tuple[CropKey, ...]
    ) -> Shot:
        """Return one shot for two with equal framings."""
        ids = [person.id for person in self.people]
        framing = tuple(ids.index(id_) for id_ in subjects)
        span = FrameRange(before.range.start, after.range.end)
        return self._explain(span, framing, before.crop, keys, before.two_up)

    def _explain(
        self, span: FrameRange, framing: Framing, crop: Box, keys: tuple[CropKey, ...],
        two_up: TwoUp | None = None,
    ) -> Shot:  # fmt: skip
        why, sure = explain(self.people, self.activity, framing, span, self.style)
        why += IN_TWO_HALVES if two_up else ""
        shot = Shot(span, self._subjects(framing), crop, why, sure, keys, two_up=two_up)
        return replace(shot, covers=self.framer.covers(shot))

    def _subjects(self, framing: Framing) -> tuple[int, ...]:
        return tuple(self.people[n].id for n in framing)
