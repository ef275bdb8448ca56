"""Compares an edited timeline with the cached cut: what changed, and the locks that hold it."""

from otio_speakerzoom.interchange.diff.compare import Change, Comparison, compare

__all__ = ["Change", "Comparison", "compare"]
