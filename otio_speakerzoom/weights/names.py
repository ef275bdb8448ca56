"""Names of the detectors, trackers, scorers and devices that a user can choose.

This module imports nothing, so the command line and the options file can check a name without
loading NumPy, OpenCV or PyTorch. The modules that build each of them offer exactly these names.
"""

DETECTORS = ("yunet", "blazeface", "s3fd", "mtcnn", "retinaface", "dlib", "haar")
"""Face detectors, best first by faces found for what they cost (`faces/detectors/choose`)."""

NO_TRACKER = "iou"
"""No tracker: boxes that overlap are joined, and interpolated in between."""

TRACKERS = (NO_TRACKER, "csrt", "kcf", "mil")
"""What follows faces between detections; an OpenCV may lack some (`faces/opencv_trackers`)."""

BUNDLED_SCORER = "sync-asd"
"""The network whose weights come with the project."""

MOTION_SCORER = "motion"
"""The scorer that needs no trained weights."""

SMALL_SCORER = "lr-asd"
"""The scorer that `auto` tries to fetch: better than ours on real footage, and small."""

SCORERS = ("talknet", SMALL_SCORER, BUNDLED_SCORER, "light-asd", MOTION_SCORER)
"""Active speaker detectors, best first (`speech/scorers`)."""

EMBEDDERS = ("sface", "mobilefacenet")
"""What distinguishes people by their faces, best first; the best one that is installed is used
(`faces/embedders`)."""

AUTO = "auto"
"""As a scorer: the best one that can be had; as a device: the best one that works."""

GPUS = ("cuda", "mps")
"""Kinds of GPU, best first."""

DEVICES = (AUTO, "cpu", *GPUS)
"""Where networks run (`weights/device`)."""
