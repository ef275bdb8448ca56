"""Timelines that come back from an editor: read, checked, compared with the cut, kept as locks."""
