"""A cut list as an OpenTimelineIO timeline, and what every adapter needs to write one."""
