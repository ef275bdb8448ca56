"""Timelines that come back from an editor: read, checked, and compared with the cached cut."""
