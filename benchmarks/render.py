"""Measure what a film costs beside a plain transcode of the same recording.

    python benchmarks/render.py samples/two_talkers.mp4 other.mp4 --seconds 20 --repeats 5

Ours: a cut that shows the wide shot and two singles in turn, 3 s each, at the recording's size.
Plain: the recording decoded and encoded in one process, with the encoder settings of our film, and
with them at our film's bit rate, because singles are sharper than the wide shot. Beside them the
system's ffmpeg with the same settings, and our own steps apart: decoding, and decoding with crops
and scaling.

A short recording is looped. Each runs several times in turn and the fastest counts, because others
share the machine, so only ratios mean anything. CPU time counts all threads.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import av
import imageio_ffmpeg
from av.video.frame import PictureType

from otio_speakerzoom.model import Box, CutList, FrameRange, Media, Shot
from otio_speakerzoom.render.film import render_film, rendered_frames
from otio_speakerzoom.source import decode_frames, input_url, open_input, probe

SHOT_S = 3
SETTINGS = {"preset": "veryfast", "crf": "18"}
"""Of our film, for x264."""


@dataclass
class Cost:
    """The fastest run, for a frame."""

    wall_ms: float = float("inf")
    cpu_ms: float = float("inf")


def main() -> None:
    """Print a table for each recording."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("recording", type=Path, nargs="+")
    parser.add_argument("--seconds", type=int, default=20, help="length of the film")
    parser.add_argument("--repeats", type=int, default=5, help="how often each runs")
    arguments = parser.parse_args()
    for recording in arguments.recording:
        with tempfile.TemporaryDirectory() as folder:
            print_costs(recording, arguments.seconds, arguments.repeats, Path(folder))


def print_costs(recording: Path, seconds: int, repeats: int, folder: Path) -> None:
    """Print what a frame of the film of `recording` costs, and of each transcode."""
    source = looped(recording, seconds, folder)
    media = probe(source)
    cut_list = alternating_cut(media)
    film = folder / "film.mp4"
    render_film(cut_list, film)
    same_rate = {"preset": SETTINGS["preset"], "b": str(video_bits(film))}
    runs: dict[str, tuple[Callable[[], object], Path | None]] = {
        "film": (lambda: render_film(cut_list, film), film),
        "plain": (lambda: transcode(source, folder / "plain.mp4", SETTINGS), folder / "plain.mp4"),
        "plain, same bit rate":
            (lambda: transcode(source, folder / "rate.mp4", same_rate), folder / "rate.mp4"),
        "ffmpeg": (lambda: run_ffmpeg(source, folder / "ffmpeg.mp4"), folder / "ffmpeg.mp4"),
        "decode": (lambda: consume(decode_frames(media, media.range)), None),
        "decode, crop, scale": (lambda: consume(scaled_frames(cut_list)), None),
    }  # fmt: skip
    costs = {name: Cost() for name in runs}
    for _ in range(repeats):
        for name, (run, _) in runs.items():
            measure(run, media.duration, costs[name])
    width, height = media.size
    print(
        f"\n{recording.name}: {media.duration} frames of {width}x{height}, fastest of {repeats}\n"
    )
    print("| | wall, ms a frame | CPU, ms a frame | Mbit/s | film / this, wall | CPU |")
    print("|---|---|---|---|---|---|")
    for name, cost in costs.items():
        path = runs[name][1]
        rate = f"{video_bits(path) / 1e6:.2f}" if path else ""
        ours = costs["film"]
        print(
            f"| {name} | {cost.wall_ms:.2f} | {cost.cpu_ms:.2f} | {rate} "
            f"| {ours.wall_ms / cost.wall_ms:.2f} | {ours.cpu_ms / cost.cpu_ms:.2f} |"
        )


def looped(recording: Path, seconds: int, folder: Path) -> Path:
    """Return a copy of `recording` that is as long as `seconds`, without encoding it again."""
    path = folder / f"looped{recording.suffix}"
    command = [ffmpeg_program(), "-v", "error", "-nostdin", "-stream_loop", "-1", "-i",
               str(recording), "-t", str(seconds), "-map", "0:v:0", "-map", "0:a:0?", "-c", "copy",
               str(path)]  # fmt: skip
    subprocess.run(command, check=True)  # nosec B603 # our own arguments
    return path


def alternating_cut(media: Media) -> CutList:
    """Return a cut that shows the wide shot, one side, the wide shot and the other side in turn."""
    width, height = media.size
    side, top = width * 9 // 40 * 2, height // 10 * 2  # 45 %, as a usual single has
    half = height * side // width // 2 * 2
    left = width * 11 // 40 * 2
    whole = Box(0, 0, width, height)
    crops = (
        whole, Box(0, top, side, top + half), whole, Box(left, top, left + side, top + half)
    )  # fmt: skip
    step = max(1, round(SHOT_S * media.rate))
    shots = tuple(
        Shot(FrameRange(start, min(start + step, media.duration)), (), crops[start // step % 4])
        for start in range(0, media.duration, step)
    )
    return CutList(media, (width // 2 * 2, height // 2 * 2), shots)


def scaled_frames(cut_list: CutList) -> Iterable[av.VideoFrame]:
    """Yield the frames of a film, before they are encoded."""
    return rendered_frames(cut_list, decode_frames(cut_list.media, cut_list.range))


def transcode(source: Path, path: Path, options: dict[str, str]) -> None:
    """Decode and encode `source` in this process, with x264 at these options and the film's AAC."""
    with open_input(source) as reader, av.open(input_url(path), "w") as writer:
        video, audio = reader.streams.video[0], next(iter(reader.streams.audio), None)
        assert video.average_rate is not None
        video.thread_type = "AUTO"
        out = writer.add_stream("libx264", rate=video.average_rate, options=options)
        out.width, out.height, out.pix_fmt = video.width, video.height, "yuv420p"
        out.codec_context.thread_count = 0
        sound, count = None, 0
        if audio:
            layout = "mono" if audio.codec_context.channels == 1 else "stereo"
            sound = writer.add_stream("aac", rate=48_000, layout=layout)
            sound.bit_rate = 192_000
        for packet in reader.demux([stream for stream in (video, audio) if stream]):
            for frame in packet.decode():
                if isinstance(frame, av.VideoFrame):
                    frame.pict_type = PictureType.NONE  # or x264 would repeat the source's types
                    frame.pts, frame.time_base = count, 1 / video.average_rate
                    count += 1
                    writer.mux(out.encode(frame))
                elif isinstance(frame, av.AudioFrame) and sound:
                    frame.pts = None
                    writer.mux(sound.encode(frame))
        for stream in (out, sound):
            if stream:
                writer.mux(stream.encode(None))


def run_ffmpeg(source: Path, path: Path) -> None:
    """Transcode `source` with the ffmpeg program."""
    options = [word for name, value in SETTINGS.items() for word in (f"-{name}", value)]
    command = [ffmpeg_program(), "-v", "error", "-nostdin", "-y", "-i", str(source), "-c:v",
               "libx264", *options, "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "192k",
               str(path)]  # fmt: skip
    subprocess.run(command, check=True)  # nosec B603 # our own arguments


def ffmpeg_program() -> str:
    """Return the system's ffmpeg, or else the one of imageio-ffmpeg."""
    return shutil.which("ffmpeg") or imageio_ffmpeg.get_ffmpeg_exe()


def video_bits(path: Path) -> int:
    """Return the bits a second of a film's video."""
    with open_input(path) as film:
        stream = film.streams.video[0]
        total = sum(packet.size for packet in film.demux(stream))
        assert stream.average_rate is not None
        return round(8 * total * stream.average_rate / stream.frames)


def consume(items: Iterable[object]) -> None:
    """Iterate to the end."""
    for _ in items:
        pass


def measure(run: Callable[[], object], frames: int, best: Cost) -> None:
    """Run once, and lower `best` to what a frame cost."""
    wall, cpu = time.perf_counter(), cpu_seconds()
    run()
    best.wall_ms = min(best.wall_ms, 1000 * (time.perf_counter() - wall) / frames)
    best.cpu_ms = min(best.cpu_ms, 1000 * (cpu_seconds() - cpu) / frames)


def cpu_seconds() -> float:
    """Return the CPU time of this process and of the programs that it ran."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


if __name__ == "__main__":
    main()
