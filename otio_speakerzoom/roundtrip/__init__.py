"""What an editor changed of a cut, as locks that keep it."""

from otio_speakerzoom.roundtrip.compare import Change, Comparison, compare
from otio_speakerzoom.roundtrip.kept import SAME

__all__ = ["SAME", "Change", "Comparison", "compare"]
