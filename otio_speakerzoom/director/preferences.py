"""What people.json asks of the cut: people who are ignored, and people who win overlaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from otio_speakerzoom.director.speaker_activity import SpeakerActivity
from otio_speakerzoom.model import Person, Shot


def apply_preferences(activity: SpeakerActivity, people: Sequence[Person]) -> SpeakerActivity:
    """Return the activity as the cut should follow it.

    Somebody ignored counts as not visible, and their speech as that of a voice off screen: they had
    their part in who speaks, so that nobody else is taken for the speaker then. Somebody preferred
    leads every overlap that they have a part in.
    """
    ignored = np.array([person.ignore for person in people], bool)
    preferred = np.array([person.prefer for person in people], bool)
    if ignored.any():
        activity = _without(activity, np.flatnonzero(ignored))
    return _led_by(activity, preferred) if preferred.any() else activity


def allowed_angles(angles: Sequence[Shot], people: Sequence[Person]) -> tuple[Shot, ...]:
    """Return the alternative framings without singles of people who are ignored."""
    ignored = {person.id for person in people if person.ignore}
    return tuple(angle for angle in angles if angle.locked or not ignored & {*angle.subjects})


def _without(activity: SpeakerActivity, rows: np.ndarray) -> SpeakerActivity:
    """Return the activity without the people of these rows, who become voices off screen."""
    speaks, visible = activity.speaks.copy(), activity.visible.copy()
    probability = activity.probability.copy()
    heard_only = speaks[rows].any(axis=0)
    speaks[rows], visible[rows], probability[rows] = False, False, 0.0
    leads = (activity.leads | (speaks.sum(axis=0) == 1)) & speaks  # who speaks alone now leads
    off_screen = activity.off_screen | (heard_only & ~speaks.any(axis=0))
    return replace(
        activity, speaks=speaks, leads=leads, visible=visible, probability=probability,
        off_screen=off_screen,
    )  # fmt: skip


def _led_by(activity: SpeakerActivity, preferred: np.ndarray) -> SpeakerActivity:
    """Return the activity in which the preferred one leads; of several, the one who leads now."""
    speaks = activity.speaks & preferred[:, None]
    count = speaks.sum(axis=0)
    leads = np.where(count == 0, activity.leads, speaks & ((count == 1) | activity.leads))
    return replace(activity, leads=leads)
