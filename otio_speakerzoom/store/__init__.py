"""Caches the result of each stage in a work folder beside the source, and detects stale results.

JSON for what people may edit (people, shots, locks), npz for arrays, never pickle. Every file
begins with its schema and an input digest, over the stage's version, its options and the digests
of its inputs. Files are written under a temporary name and then renamed: after a crash or on a
full disk, either the old file or the new one is there.
"""

from otio_speakerzoom.store.atomic import atomic_write, remove_leftovers, write_text, write_texts
from otio_speakerzoom.store.batch_journal import BatchJournal
from otio_speakerzoom.store.cut_list import (
    CachedCut,
    cut_list_text,
    load_cut_list,
    save_cut_list,
    stored_form,
)
from otio_speakerzoom.store.detection_journal import DetectionJournal
from otio_speakerzoom.store.detections import load_detections, save_detections
from otio_speakerzoom.store.edit_journal import EditJournal, JournalLine
from otio_speakerzoom.store.files import (
    Cached,
    ConcurrentChangeError,
    back_up,
    digest,
    file_digest,
    text_digest,
)
from otio_speakerzoom.store.folder import (
    check_unchanged,
    find_copy,
    find_folder,
    folder_name,
    rename_folder,
    source_digest,
)
from otio_speakerzoom.store.folder_lock import exclusive_lock
from otio_speakerzoom.store.locks import (
    load_locks,
    lock_from_json,
    lock_rows,
    lock_rows_of,
    locks_text,
    save_locks,
    write_sightings,
)
from otio_speakerzoom.store.media import load_media, save_media
from otio_speakerzoom.store.options import Options, load_options, options_text, save_options
from otio_speakerzoom.store.panels import load_panels, save_panels
from otio_speakerzoom.store.people import (
    load_people,
    load_sightings,
    people_from_rows,
    people_rows,
    people_text,
    save_people,
)
from otio_speakerzoom.store.ranges import check_part_name, part_folder, part_folders
from otio_speakerzoom.store.scores import load_scores, save_scores
from otio_speakerzoom.store.shots import shot_from_row, shot_to_json, with_names
from otio_speakerzoom.store.tracks import load_tracks, save_tracks
from otio_speakerzoom.store.unfinished import has_unfinished, remove_unfinished, unnamed_file
from otio_speakerzoom.store.version_1 import key_in_file
from otio_speakerzoom.store.voice import load_voice, save_voice

__all__ = [
    "BatchJournal",
    "Cached",
    "CachedCut",
    "ConcurrentChangeError",
    "DetectionJournal",
    "EditJournal",
    "JournalLine",
    "Options",
    "atomic_write",
    "back_up",
    "check_part_name",
    "check_unchanged",
    "cut_list_text",
    "digest",
    "exclusive_lock",
    "file_digest",
    "find_copy",
    "find_folder",
    "folder_name",
    "has_unfinished",
    "key_in_file",
    "load_cut_list",
    "load_detections",
    "load_locks",
    "load_media",
    "load_options",
    "load_panels",
    "load_people",
    "load_scores",
    "load_sightings",
    "load_tracks",
    "load_voice",
    "lock_from_json",
    "lock_rows",
    "lock_rows_of",
    "locks_text",
    "options_text",
    "part_folder",
    "part_folders",
    "people_from_rows",
    "people_rows",
    "people_text",
    "remove_leftovers",
    "remove_unfinished",
    "rename_folder",
    "save_cut_list",
    "save_detections",
    "save_locks",
    "save_media",
    "save_options",
    "save_panels",
    "save_people",
    "save_scores",
    "save_tracks",
    "save_voice",
    "shot_from_row",
    "shot_to_json",
    "source_digest",
    "stored_form",
    "text_digest",
    "unnamed_file",
    "with_names",
    "write_sightings",
    "write_text",
    "write_texts",
]
