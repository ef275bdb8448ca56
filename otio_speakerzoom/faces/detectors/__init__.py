"""Face detectors, one file each, with one interface: the same frame in, the same boxes out.

A detector is called with an (H, W, 3) RGB frame and returns (N, 4) boxes, left, top, right, bottom
in pixels of that frame, with (N,) confidences from 0 to 1. A box contains the face from forehead to
chin and is as wide as the face, because the speech networks were trained on such boxes; a detector
with another convention converts its boxes itself.
"""
