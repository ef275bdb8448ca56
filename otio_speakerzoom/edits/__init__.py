"""Operations by which a hand changes a cut, with undo, beside what the command line does with it.

`Programme` is the cut of one source. An operation changes the shots that it names and nothing else,
and locks them, so that every later plan obeys it. The files in the work folder are as if the cut
had been planned with these locks: `cut`, `export`, `inspect` and `render` show an edit at once.
"""

from otio_speakerzoom.edits.operations import Operation, operation_from_json, operation_to_json
from otio_speakerzoom.edits.programme import Programme, StaleRevisionError, State
from otio_speakerzoom.edits.shot_operations import min_crop_height
from otio_speakerzoom.errors import EditError

__all__ = [
    "EditError",
    "Operation",
    "Programme",
    "StaleRevisionError",
    "State",
    "min_crop_height",
    "operation_from_json",
    "operation_to_json",
]
