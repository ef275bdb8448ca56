"""What a measure of lip sync adds to a network that hardly looks for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.speech.mouth_motion import agreement


@dataclass(frozen=True, slots=True)
class SyncCue:
    """How much of the mouth's agreement with the sound is added to a network's logit.

    Networks look for a mouth that talks while speech is heard; whether it is this speech,
    arithmetic tells as well, and independently (`mouth_motion.agreement`).
    """

    share: float
    """Logits per unit of agreement."""
    lower_face: tuple[int, int, int, int]
    """Top, bottom, left and right of the region from nose to chin within the scorer's crops."""

    def __call__(self, crops: NDArray[np.uint8], mfcc: NDArray[np.float32]) -> NDArray[np.floating]:
        """Return (T,) what to add for (T, 112, 112) crops and their (4T, 13) cepstra."""
        top, bottom, left, right = self.lower_face
        return self.share * agreement(crops[:, top:bottom, left:right], mfcc)
