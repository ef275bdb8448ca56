"""Turns a cut list into an OpenTimelineIO timeline, and gives each adapter what it writes."""
