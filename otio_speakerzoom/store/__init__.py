"""Keeps each stage's result beside the source, and knows when it is stale.

JSON where a person may edit (people, shots, locks), npz where arrays are, never pickle. Every file
opens with its schema and with what it was made from: a digest of the stage's version, its options
and its inputs' digests. Files are written under a temporary name and then renamed, so that a crash,
a full disk or an impatient user leaves either the old file or the new one.
"""

from otio_speakerzoom.store.arrays import (
    load_detections,
    load_scores,
    load_tracks,
    load_voice,
    save_detections,
    save_scores,
    save_tracks,
    save_voice,
)
from otio_speakerzoom.store.atomic import atomic_write, remove_leftovers, write_text
from otio_speakerzoom.store.cut_list import CachedCut, load_cut_list, save_cut_list, stored_form
from otio_speakerzoom.store.files import Cached, ConcurrentChangeError, back_up, digest, file_digest
from otio_speakerzoom.store.folder import (
    find_copy,
    find_folder,
    folder_name,
    rename_folder,
    source_digest,
)
from otio_speakerzoom.store.folder_lock import exclusive_lock
from otio_speakerzoom.store.locks import add_sightings, load_locks, save_locks
from otio_speakerzoom.store.media import load_media, save_media
from otio_speakerzoom.store.options import Options, load_options, save_options
from otio_speakerzoom.store.people import load_people, load_sightings, save_people
from otio_speakerzoom.store.ranges import part_folder, part_folders

__all__ = [
    "Cached",
    "CachedCut",
    "ConcurrentChangeError",
    "Options",
    "add_sightings",
    "atomic_write",
    "back_up",
    "digest",
    "exclusive_lock",
    "file_digest",
    "find_copy",
    "find_folder",
    "folder_name",
    "load_cut_list",
    "load_detections",
    "load_locks",
    "load_media",
    "load_options",
    "load_people",
    "load_scores",
    "load_sightings",
    "load_tracks",
    "load_voice",
    "part_folder",
    "part_folders",
    "remove_leftovers",
    "rename_folder",
    "save_cut_list",
    "save_detections",
    "save_locks",
    "save_media",
    "save_options",
    "save_people",
    "save_scores",
    "save_tracks",
    "save_voice",
    "source_digest",
    "stored_form",
    "write_text",
]
