"""What an editor changed of a cut, as locks that keep it."""

from otio_speakerzoom.interchange.diff.compare import Change, Comparison, compare
from otio_speakerzoom.interchange.diff.reference_cut import SAME

__all__ = ["SAME", "Change", "Comparison", "compare"]
