"""Runs the real script for Resolve in LuaJIT, with a fake Resolve and the sandbox of an edition."""

import json
from pathlib import Path

import cv2
import numpy as np
from lua import runtime, to_python

from otio_speakerzoom.interchange.test_chart import chart_image
from otio_speakerzoom.plugins import mailbox, messages
from otio_speakerzoom.plugins.recipe import recipe_of
from otio_speakerzoom.plugins.resolve_script import script_text
from otio_speakerzoom.timeline.write import timeline_text

FAKE = (Path(__file__).parent / "fake_resolve.lua").read_bytes()
CHART = chart_image()
EDITIONS = ("free", "studio", "external")
SANDBOX = (Path(__file__).parent / "sandbox.lua").read_bytes()


class Host:
    """A Resolve with one project; `run` chooses the script from its menu."""

    def __init__(self, folder, cut_list, edition="free", **traps):
        self.cut_list, self.edition = cut_list, edition
        self.mailbox = mailbox.open_mailbox(folder / "mailbox")
        self.preferences = folder / "Fusion.prefs"
        self.preferences.unlink(missing_ok=True)
        self.printed: list[bytes] = []
        """What the script wrote into the Console, which the free edition mutes."""
        self.exported, self.gone = [], traps.pop("gone", False)
        self.otio = timeline_text(cut_list, "speakerzoom_resolve_otio", {})
        self.recipe = recipe_of(cut_list, self.mailbox / mailbox.TIMELINE)
        self.script = script_text(str(self.mailbox))
        self.lua = runtime()
        media = cut_list.media
        self.law = traps.pop("law", None)
        traps = {"edition": edition, "on_export": self._export, "on_still": self._still,
                 "on_print": self.printed.append, **traps}  # fmt: skip
        self.fake = self._call(
            FAKE,
            self._table(traps),
            self._table({"path": str(media.path), "frames": media.duration,
                         "rate": float(media.rate)}),
            self._table({str(self.recipe.content["otio"]): imported(self.otio, cut_list.canvas)}),
            self.preferences.write_bytes,
        )  # fmt: skip

    def post(self):
        """Let the recipe lie in the mailbox."""
        (self.mailbox / mailbox.TIMELINE).write_text(self.otio)
        (self.mailbox / mailbox.RECIPE).write_text(self.recipe.text())
        return self

    def run(self):
        """Run the script once; the newest message in the preferences, if any."""
        script = self.script.encode()
        env = self._call(SANDBOX, self.edition.encode(), self.fake, self._exists)
        self.lua.eval("function(text, env) return setfenv(assert(loadstring(text)), env)() end")(
            script, env
        )
        return self.messages()

    def messages(self):
        files = (self.mailbox / mailbox.ANSWER, self.mailbox / mailbox.HAND_OVER, self.preferences)
        contents = (path.read_bytes() for path in files if path.exists())
        return {m.kind: m for content in contents for m in messages.parse(content)}

    def answer(self):
        """Post the recipe, run the script, and return what it answers."""
        return self.post().run()["answer"]

    @property
    def timelines(self):
        return to_python(self.fake[b"report"]()) or {}

    @property
    def current(self):
        return self.fake[b"current"]().decode()

    @property
    def classes(self):
        return {
            name.decode(): {key.decode() for key in methods}
            for name, methods in self.fake[b"classes"].items()
        }

    def _exists(self, path):
        media = path.decode() == str(self.cut_list.media.path) and not self.gone
        return Path(path.decode()).exists() or media

    def _export(self, path):
        Path(path.decode()).write_text(self.otio)
        self.exported.append(path.decode())

    def _still(self, path, properties):
        """Show the test chart at these properties, by the law that this Resolve has."""
        if not self.law:
            return False
        values = to_python(properties)
        chart, canvas = CHART, self.cut_list.canvas
        base = min(canvas[0] / chart.shape[1], canvas[1] / chart.shape[0])
        unit = (chart.shape[1] * base / canvas[0], chart.shape[0] * base / canvas[1])
        if self.law == "frame":
            unit = (1, 1)
        scale = values["ZoomX"] * base * (1.02 if self.law == "odd" else 1)
        x, y = (canvas[n] / 2 + move * unit[n] - chart.shape[1 - n] / 2 * scale
                for n, move in enumerate((values["Pan"], -values["Tilt"])))  # fmt: skip
        matrix = np.array([[scale, 0, x], [0, scale, y]])
        picture = cv2.warpAffine(chart[:, :, ::-1], matrix, canvas, flags=cv2.INTER_CUBIC)
        return cv2.imwrite(path.decode(), (picture * 0.9).astype(np.uint8))

    def _call(self, text, *arguments):
        return self.lua.eval("function(text, ...) return assert(loadstring(text))(...) end")(
            text, *arguments
        )

    def _table(self, value):
        if isinstance(value, dict):
            rows = {k.encode(): self._table(v) for k, v in value.items()}
            return self.lua.table_from(rows)
        if isinstance(value, list | tuple):
            return self.lua.table_from([self._table(v) for v in value])
        return value.encode() if isinstance(value, str) else value


def imported(otio, canvas):
    """What Resolve imports of an OTIO file into a project of that size: by its own law.

    Pan and tilt of a file count in timelines, those of the Inspector in its pixels.
    """
    document = json.loads(otio)
    tracks = document["tracks"]["children"]
    rate = document["global_start_time"]["rate"]
    video = [track for track in tracks if track["kind"] == "Video"]
    audio = [track for track in tracks if track["kind"] == "Audio"]
    return {
        "rate": rate,
        "width": canvas[0],
        "height": canvas[1],
        "start": round(document["global_start_time"]["value"]),
        "tracks": [_rows(track, canvas) for track in video],
        "audio": _rows(audio[0], canvas) if audio else [],
        "markers": [
            round(m["marked_range"]["start_time"]["value"]) for m in document["tracks"]["markers"]
        ],
    }


def _rows(track, canvas):
    rows, at = [], 0
    for clip in track["children"]:
        duration = round(clip["source_range"]["duration"]["value"])
        if clip["OTIO_SCHEMA"].startswith("Clip"):
            available = clip["media_references"][clip["active_media_reference_key"]]
            begin = available["available_range"]["start_time"]["value"]
            source = round(clip["source_range"]["start_time"]["value"] - begin)
            rows.append({
                "record": at, "source": source, "duration": duration, "enabled": clip["enabled"],
                "properties": _properties(clip["effects"], canvas),
            })  # fmt: skip
        at += duration
    return rows


def _properties(effects, canvas):
    names = {
        "transformationZoomX": "ZoomX", "transformationZoomY": "ZoomY",
        "transformationPan": "Pan", "transformationTilt": "Tilt", "scale": "Scaling",
    }  # fmt: skip
    units = {"Pan": canvas[0], "Tilt": canvas[1]}
    return {
        (name := names[row["Parameter ID"]]): row["Parameter Value"] * units.get(name, 1)
        for effect in effects
        for row in effect["metadata"]["Resolve_OTIO"]["Parameters"]
        if row["Parameter ID"] in names
    }
