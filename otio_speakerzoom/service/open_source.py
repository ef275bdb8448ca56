"""A source that is open in the service, with everything that its page may ask for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

from otio_speakerzoom import pipeline, store
from otio_speakerzoom.director.style_file import read_style
from otio_speakerzoom.model import CutList, Lock, Media, Person
from otio_speakerzoom.pipeline import Analysis, Job
from otio_speakerzoom.service import peaks, pictures, state_json
from otio_speakerzoom.service.codec_string import codec_string
from otio_speakerzoom.service.curves import Curves
from otio_speakerzoom.service.pyramids import Levels


class OpenSource:
    """One source: its job, its state, and what is computed from it once. For any thread."""

    def __init__(self, job: Job, is_closing: Callable[[], bool] = lambda: False) -> None:
        self.job = job
        self.media, _ = pipeline.open_source(job)
        self.id = store.digest(str(job.folder))[:8]
        """Stable: the page has the same address after the service was started again."""
        self._is_closing = is_closing
        self._lock = threading.RLock()
        self._curves: Curves | None = None
        self._stored: tuple[object, tuple[Analysis | None, CutList | None]] | None = None
        self._pictures: dict[tuple[int, tuple[int, ...]], bytes | None] = {}
        self._peaks: Levels | None = None
        if self.media.first_audio is not None:
            threading.Thread(target=self._read_peaks, daemon=True).start()

    @cached_property
    def codec(self) -> str | None:
        """The exact codecs, for the browser."""
        return codec_string(self.media)

    @property
    def peaks(self) -> Levels | None:
        """The waveform; None while it is read."""
        return self._peaks

    def curves(self) -> Curves | None:
        """Return the curves of the analysis; None where there is none."""
        analysis, _ = self._results()
        return self._curves_of(analysis) if analysis else None

    def state(self) -> dict[str, object]:
        """Return everything that the page shows, but for curves and pictures."""
        analysis, cut_list = self._results()
        common = self._facts()
        if cut_list is None or analysis is None:
            return {**common, "analysed": analysis is not None, "status": "not analysed",
                    "people": [], "shots": [], "camera_cuts": [], "revision": ""}  # fmt: skip
        curves = self._curves_of(analysis)
        session = pipeline.open_session(self.job)
        locks = _by_range(store.load_locks(self.job.folder, self.media))
        style = read_style(session.options.style or "standard", session.options.style_values)
        return {
            **common,
            "revision": "0",
            "analysed": True,
            "status": "cut",
            "range": [cut_list.range.start, cut_list.range.end],
            "canvas": list(cut_list.canvas),
            "min_crop_height": cut_list.canvas[1] / max(style.max_upscale, style.tightest_upscale),
            "style": {
                "name": session.options.style or "standard",
                "values": {name: getattr(style, name) for name in style.__slots__},
            },
            "people": state_json.people_to_json(cut_list.people, cut_list, curves),
            "shots": [state_json.shot_to_json(s, locks, curves) for s in cut_list.shots],
            "camera_cuts": analysis.detections.camera_cuts.tolist(),
            "undo": "",
            "redo": "",
        }

    def cut_list(self) -> CutList | None:
        """Return the cut."""
        return self._results()[1]

    def person_picture(self, analysis: Analysis, person: Person) -> bytes | None:
        """Return a person's face as JPEG; it is decoded once."""
        key = (person.id, person.track_ids)
        with self._lock:
            if key not in self._pictures:
                self._pictures[key] = pictures.person_jpeg(analysis, person)
            return self._pictures[key]

    def media_files(self) -> dict[str, Path]:
        """Return the files that the page may read, by their ids."""
        return {"source": self.media.path}

    def _results(self) -> tuple[Analysis | None, CutList | None]:
        """Return the stored analysis and cut, read again only where a file has changed."""
        files = sorted(self.job.folder.glob("*.*")) if self.job.folder.is_dir() else []
        stats = [(path.name, path.stat()) for path in files]
        key = tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)
        with self._lock:
            if self._stored is None or self._stored[0] != key:
                self._stored = (
                    key,
                    (pipeline.cached_analysis(self.job), pipeline.cached_cut(self.job)),
                )
            return self._stored[1]

    def _facts(self) -> dict[str, object]:
        media: Media = self.media
        return {
            "version": version("otio-speakerzoom"),
            "source": {
                **state_json.media_to_json(media),
                "first_frame_time": float(media.video_offset),
                "codec": self.codec,
            },
            "proxy": None,
            "words": False,
            "openers": [],
            "formats": [],
        }

    def _curves_of(self, analysis: Analysis) -> Curves:
        """Return the curves of an analysis, the same object as long as the analysis is the same."""
        key = (analysis.digest, analysis.people)
        with self._lock:
            curves = self._curves
            if curves is None or (curves.analysis.digest, curves.analysis.people) != key:
                curves = self._curves = Curves(analysis)
            return curves

    def _read_peaks(self) -> None:
        path = self.job.folder / "peaks.npy"
        levels = peaks.load_peaks(path, self.media)
        if levels is None:
            lowest = peaks.read_peaks(self.media, self._is_closing)
            if lowest is None:
                return
            levels = peaks.peak_levels(lowest)
        self._peaks = levels


def _by_range(locks: tuple[Lock, ...]) -> dict[tuple[int, int], Lock]:
    return {(lock.range.start, lock.range.end): lock for lock in locks}
