"""Face detection and tracking: frames to face boxes, face tracks and people.

`detect` runs a detector (`detectors/`) and finds the source's own cuts, `track` joins detections to
tracks, `embed` and `people` group the tracks by person.
"""
