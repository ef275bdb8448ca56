"""Face detectors, one file each: the same picture in, the same boxes out.

A detector is called with an (H, W, 3) RGB picture and returns (N, 4) boxes, left, top, right,
bottom in pixels of that picture, with (N,) confidences from 0 to 1. A box holds the face from
forehead to chin and is as wide as the face, because the networks that judge speech were taught on
such boxes; a detector with another habit converts its boxes itself.
"""
