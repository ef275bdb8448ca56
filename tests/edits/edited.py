"""What tests do with a cut: operations in JSON, as the page sends them."""

from otio_speakerzoom.edits import operation_from_json


def on_page(shot):
    """A shot as the page saw it."""
    return {"start": shot.range.start, "end": shot.range.end, "subjects": list(shot.subjects)}


def edit(programme, *operations):
    """Apply operations in JSON to the cut as it is now."""
    rows = [operation_from_json(operation) for operation in operations]
    return programme.apply(rows, programme.state().revision)


def assign(shot, *subjects):
    return {"name": "assign", "shot": on_page(shot), "subjects": list(subjects)}
