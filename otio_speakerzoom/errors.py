"""What can go wrong for a user, as a tree.

SpeakerZoomError            everything a user can meet
├── MediaError              the source cannot be opened or decoded, or has no picture
├── ToolError               a film cannot be encoded
├── WeightsError            trained weights missing, or not the ones named in weights.toml
├── StoreError              a file beside the source is damaged or from a newer version
└── TimelineError           the chosen format cannot say what the cut list says

Every message names the file, says what is wrong, and what to do next, in one line. Only the
command line catches these; a caller who breaks a contract meets ValueError or TypeError.
"""


class SpeakerZoomError(Exception):
    """Everything a user can meet; the message is the one line they read."""


class MediaError(SpeakerZoomError):
    """The source cannot be opened or decoded, or has no picture."""


class ToolError(SpeakerZoomError):
    """A film cannot be encoded."""


class WeightsError(SpeakerZoomError):
    """Trained weights are missing, or are not the ones that weights.toml names."""


class StoreError(SpeakerZoomError):
    """A file beside the source is damaged, or from a newer version, or cannot be written."""


class TimelineError(SpeakerZoomError):
    """The chosen format cannot say what the cut list says."""
