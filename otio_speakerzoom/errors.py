"""The errors that a user can meet, as a tree.

SpeakerZoomError            any of them
├── MediaError              the source cannot be opened or decoded, or has no video
├── ToolError               a codec, package or device on this machine cannot do its part
├── WeightsError            trained weights are missing, or not those named in weights.toml
├── StoreError              a file beside the source is damaged, newer, or cannot be written
│   └── DiskFullError       there is no space left for it
├── EditError               an operation that does not fit the cut
└── TimelineError           the chosen format cannot represent the cut list

Every message states the file, the fault and the remedy in one line. Only the command line catches
these; a caller who breaks a contract gets ValueError or TypeError.
"""


class SpeakerZoomError(Exception):
    """Any error that a user can meet; the message is the one line they read."""


class MediaError(SpeakerZoomError):
    """The source cannot be opened or decoded, or has no video."""


class ToolError(SpeakerZoomError):
    """A codec, package or device on this machine is missing or cannot do its part."""


class WeightsError(SpeakerZoomError):
    """Trained weights are missing, or are not those that weights.toml names."""


class StoreError(SpeakerZoomError):
    """A file beside the source is damaged, from a newer version, or cannot be written."""


class DiskFullError(StoreError):
    """There is no space left for a file."""


class EditError(SpeakerZoomError):
    """An operation on a cut that does not fit it."""


class TimelineError(SpeakerZoomError):
    """The chosen format cannot represent the cut list."""
