"""Recordings whose rates, timestamps and edit lists are hard: each is right, or one line."""

import struct
from fractions import Fraction

import pytest
from clips import Clip, Sound, level, write_clip
from mp4_boxes import edit_list, find, media_scale, replaced
from reading import Case, case_of, check_whole, cut_and_render, facts_of, made, outcome, parameters
from remedies import remedied
from tables import Table

from otio_speakerzoom.errors import MediaError
from otio_speakerzoom.source import probe

RATES = [
    "1/10", "1/3", "1", "5", "10", "12", "25/2", "15", "20", "24000/1001", "24", "25",
    "30000/1001", "30", "48", "50", "60000/1001", "60", "72", "90", "100", "120000/1001", "120",
    "144", "200", "240",
]  # fmt: skip
PCM, MP2, OPUS = (Sound("pcm_s16le"),), (Sound("mp2"),), (Sound("libopus"),)
REORDERED = {"preset": "medium", "bf": "2", "g": "5"}
IN_ORDER, ONE_KEYFRAME = {"bf": "0", "g": "5"}, {"bf": "0"}
"""Where frames are reordered, libav may begin a part one frame late."""
LARGE = {"size": (704, 576), "options": {"g": "1"}}
"""Frames that fill a packet of .mpg, of which each has one timestamp."""
WRAP = Fraction(2**33 * 25 // 90000, 25)
"""Seconds after which the stamps of a transport stream begin again, to a frame."""


def levels(*frames):
    return tuple(level(number) for number in frames)


def at(rate, **others):
    """A second at a rate, or three frames of a slow one."""
    rate = Fraction(rate)
    return Clip(rate=rate, frames=max(3, round(rate)), **others)


def at_60(rate):
    """The levels of a second at a faster rate, read at 60: the last frame near each place."""
    last = [-((-(2 * place + 1) * rate) // 120) - 1 for place in range(61)]
    return levels(*(min(number, rate - 1) for number in last))


def two_of_three(number):
    """Every third frame of 30 is missing."""
    return Fraction(number // 2 * 3 + number % 2, 30)


def with_edits(video, audio, options=REORDERED):
    """A second with other edit lists; an edit is (seconds, from, speed), from None for a gap."""

    def make(path):
        data = write_clip(path, clip).read_bytes()
        for track, edits in enumerate((video, audio)):
            if edits is not None:
                data = _with_edits(data, track, edits)
        path.write_bytes(data)

    clip = Clip(options=options)
    return make


def _with_edits(data, track, edits):
    begin, _ = find(data, b"moov", b"trak", b"edts", track=track)
    (first,) = struct.unpack(">i", data[begin + 28 : begin + 32])  # of the muxer's own edit
    rows = [
        (
            round(seconds * 1000),
            -1 if start is None else round(start * media_scale(data, track)) + first,
            *(speed or [1]),
        )
        for seconds, start, *speed in edits
    ]
    return replaced(data, (b"moov", b"trak", b"edts"), edit_list(*rows), track)


def edited(file, video, audio, frames, *, options=REORDERED, **facts):
    right = facts_of(Clip(), levels=levels(*frames), **facts)
    return Case(file, with_edits(video, audio, options), right, file in QUICK_EDITS)


QUICK_EDITS = ("trimmed.mp4", "key.mp4")

FEW_RATES = ["24000/1001", "25", "30000/1001", "50", "60000/1001"]
CONTAINERS = {
    # suffix: (codec of the picture, sound, rates that it can store exactly)
    ".mp4": ("libx264", (Sound(),), RATES),
    ".mkv": ("libx264", (Sound(),), RATES),
    ".mov": ("libx264", PCM, FEW_RATES),
    ".ts": ("libx264", MP2, FEW_RATES),
    ".avi": ("mpeg4", PCM, FEW_RATES),
    ".webm": ("libvpx", OPUS, FEW_RATES),
    ".mxf": ("mpeg2video", PCM, FEW_RATES),
}
RATE_TABLE = Table("hard rates", ("container", "outcome"), list(CONTAINERS))

CASES = {
    "half a second at 60 fps, in stamps of a millisecond": case_of(
        "short.mkv", Clip(rate=Fraction(60), frames=25, sounds=()), quick=True
    ),
    "half a second at 59.94 fps, in stamps of a millisecond": case_of(
        "short.mkv", Clip(rate=Fraction(60000, 1001), frames=25, sounds=())
    ),
    "29.9 fps, of a webcam": case_of("webcam.mp4", at("299/10")),
    "300 fps": case_of(
        "fast.mp4", at("300"), rate=Fraction(60), levels=at_60(300), warns="is above 240 fps"
    ),
    "1000 fps": case_of(
        "fast.mp4", at("1000"), rate=Fraction(60), levels=at_60(1000), warns="is above 240 fps"
    ),
    "stamps that jitter by 4 ms": case_of(
        "jitter.mkv",
        at("30", times=lambda number: Fraction(number, 30) + Fraction(number * 7 % 5, 1000)),
    ),
    "variable rate in .mp4": case_of(
        "varies.mp4", Clip(rate=Fraction(30), frames=40, times=two_of_three), quick=True,
        levels=levels(*(n // 3 * 2 + min(n % 3, 1) for n in range(59))), warns="rate varies",
    ),
    "variable rate in .mkv": case_of(
        "varies.mkv", Clip(rate=Fraction(30), frames=40, times=two_of_three),
        levels=levels(*(n // 3 * 2 + min(n % 3, 1) for n in range(59))), warns="rate varies",
    ),
    "a second without frames": case_of(
        "gap.mp4", Clip(frames=40, times=lambda n: Fraction(n + 25 * (n > 14), 25)),
        levels=levels(*(n if n < 15 else max(14, n - 25) for n in range(65))), warns="rate varies",
    ),
    "one frame lost": case_of(
        "lost.mp4", Clip(frames=40, times=lambda n: Fraction(n + (n > 20), 25)),
        levels=levels(*(n - (n > 20) for n in range(41))),
    ),
    "the last frame nine seconds late": case_of(
        "held.mp4", Clip(times=lambda n: Fraction(n, 25) if n < 24 else Fraction(10)),
        levels=levels(*(min(n, 23) for n in range(250)), 24), warns="rate varies",
    ),
    **{
        f"stamps from 25 hours on in .{suffix}": case_of(
            f"hours.{suffix}",
            Clip(begin=Fraction(25 * 3600), codec=codec, sounds=sounds, format=format_),
            quick=suffix == "mkv",
        )
        for suffix, codec, sounds, format_ in (
            ("mp4", "libx264", (Sound(),), None), ("mov", "libx264", PCM, None),
            ("mkv", "libx264", PCM, None), ("ts", "libx264", MP2, None),
            ("webm", "libvpx", OPUS, None), ("flv", "libx264", (Sound(),), None),
            ("wmv", "wmv2", PCM, "asf"), ("mxf", "mpeg2video", PCM, None),
        )
    },
    "stamps from 1,000 hours on": case_of("late.mp4", Clip(begin=Fraction(1000 * 3600))),
    "stamps that wrap after half a second in .ts": case_of(
        "wrap.ts", Clip(begin=WRAP - Fraction(12, 25), sounds=MP2), quick=True
    ),
    "stamps that wrap at the second frame in .ts": case_of(
        "wrap.ts", Clip(begin=WRAP - Fraction(1, 25), sounds=MP2)
    ),
    "stamps that wrap, of frames out of order in .ts": case_of(
        "wrap.ts", Clip(begin=WRAP - Fraction(12, 25), options=REORDERED)
    ),
    "stamps that wrap after half a second in .mpg": case_of(
        "wrap.mpg", Clip(begin=WRAP - Fraction(12, 25), codec="mpeg2video", sounds=MP2, **LARGE),
        size=(704, 576),
    ),
    "stamps that wrap after six seconds of twelve in .ts": case_of(
        "wrap.ts", Clip(begin=WRAP - 6, frames=300, sounds=MP2)
    ),
    "stamps below zero in .ts": case_of(
        "below.ts",
        Clip(begin=Fraction(-12, 25), sounds=MP2, muxer={"avoid_negative_ts": "disabled"}),
    ),
    "stamps below zero in .mp4, which hide half of it": case_of(
        "below.mp4", Clip(begin=Fraction(-12, 25), muxer={"avoid_negative_ts": "disabled"}),
        levels=levels(*range(12, 25)), onset=-0.08,
    ),
    "stamps below zero in .mkv": Case(
        "below.mkv", Clip(begin=Fraction(-12, 25), muxer={"avoid_negative_ts": "disabled"}), None,
        quick=True,
    ),
    "late video by 0.8 s in .mp4": case_of(
        "late.mp4", Clip(begin=Fraction(4, 5), sounds=(Sound(late=-0.8, seconds=1.8),)),
        warns="video starts",
    ),
    "late video by 0.8 s in .mkv": case_of(
        "late.mkv", Clip(begin=Fraction(4, 5), sounds=(Sound(late=-0.8, seconds=1.8),)),
        warns="video starts",
    ),
    "late video by 0.8 s in .ts": case_of(
        "late.ts", Clip(begin=Fraction(4, 5), sounds=(Sound(late=-0.8, seconds=1.8),)),
        warns="video starts",
    ),
    **{
        f"late audio by 0.3 s in .{suffix}": case_of(
            f"late.{suffix}", Clip(codec=codec, sounds=(Sound(sound, late=0.3, seconds=0.7),)),
        )
        for suffix, codec, sound in (
            ("mp4", "libx264", "aac"), ("mov", "libx264", "pcm_s16le"), ("mkv", "libx264", "aac"),
            ("ts", "libx264", "mp2"), ("flv", "libx264", "aac"), ("webm", "libvpx", "libopus"),
        )
    },
    "audio that ends early": case_of("early.mp4", Clip(frames=75, sounds=(Sound(seconds=0.7),))),
    "audio that goes on for four seconds": case_of("on.mp4", Clip(sounds=(Sound(seconds=5),))),
    "two frames": case_of("two.mp4", Clip(frames=2, sounds=())),
    "one frame in .mp4": Case("one.mp4", Clip(frames=1), None, quick=True),
    "one frame in .mkv": Case("one.mkv", Clip(frames=1), None),
    "one frame in .avi": Case("one.avi", Clip(codec="mpeg4", frames=1, sounds=()), None),
    "an edit list that leaves out 0.2 s at the beginning": edited(
        "trimmed.mp4", [(0.8, 0.2)], [(0.8, 0.2)], range(5, 25), onset=0.2),
    "an edit list that begins between keyframes": edited(
        "trimmed3.mp4", [(0.72, 0.28)], [(0.72, 0.28)], range(7, 25), onset=0.12),
    "an edit list that leaves out 0.2 s at the end": edited(
        "end.mp4", [(0.8, 0)], [(0.8, 0)], range(20)),
    "an edit list of two parts": edited(
        "parts.mp4", [(0.2, 0), (0.6, 0.4)], [(0.2, 0), (0.6, 0.4)],
        [*range(5), *range(10, 25)], onset=0.2, options=IN_ORDER),
    "an edit list of two parts between keyframes": edited(
        "key.mp4", [(0.2, 0), (0.6, 0.4)], [(0.2, 0), (0.6, 0.4)],
        [*range(5), *range(10, 25)], onset=0.2, options=ONE_KEYFRAME),
    "an edit list with a part twice": edited(
        "twice.mp4", [(0.4, 0), (0.4, 0)], [(1, 0)], [*range(10), *range(10)], options=IN_ORDER),
    "an edit list that exchanges two parts": edited(
        "exchanged.mp4", [(0.4, 0.6), (0.6, 0)], [(1, 0)], [*range(15, 25), *range(15)],
        options=IN_ORDER),
    "an edit list with a gap before the audio": edited(
        "gap.mp4", None, [(0.2, None), (0.8, 0)], range(25), onset=0.6),
    "an edit list with a gap before the video": edited(
        "gap.mp4", [(0.2, None), (1, 0)], None, range(25), onset=0.2, warns="video starts"),
    "an edit list with a gap before both": edited(
        "gap.mp4", [(0.2, None), (1, 0)], [(0.2, None), (1, 0)], range(25)),
    "an edit list that ends four seconds after the media": edited(
        "beyond.mp4", [(5, 0)], [(5, 0)], range(25)),
    "an edit list at twice the speed": edited(
        "speed.mp4", [(1, 0, 2)], None, range(25), warns="gaps or other speeds"),
    "an edit list that holds its first frame": edited(
        "speed.mp4", [(1, 0, 0)], None, range(25), warns="gaps or other speeds"),
    "an edit list of no length": Case("none.mp4", with_edits([(0, 0)], [(0, 0)]), None, True),
    "an edit list after the end": Case("none.mp4", with_edits([(1, 50)], [(1, 50)]), None),
    "an edit list before the beginning": Case("none.mp4", with_edits([(1, -3)], None), None),
}  # fmt: skip
TABLE = Table("hard timing", ("recording", "outcome"), list(CASES))


@pytest.mark.parametrize(
    "suffix", [pytest.param(s, marks=[pytest.mark.slow] * (s != ".webm")) for s in CONTAINERS]
)
def test_each_rate_is_exact(suffix, tmp_path):
    codec, sounds, rates = CONTAINERS[suffix]
    for rate in rates:
        clip = at(rate, codec=codec, sounds=sounds)
        outcome(case_of(f"{rate.replace('/', '_')}{suffix}", clip), tmp_path)
    RATE_TABLE.check(suffix, f"right: {', '.join(rates)} fps")


@pytest.mark.parametrize("name", parameters(CASES))
def test_hard_timing_is_right_or_one_line(name, tmp_path):
    TABLE.check(name, outcome(CASES[name], tmp_path))


def test_the_table_of_hard_timing_is_complete():
    check_whole(TABLE)
    RATE_TABLE.check_cases()


WHOLE = {
    **{
        f"{rate} fps": case_of("rate.mp4", at(rate))
        for rate in ("1/3", "25/2", "60000/1001", "240")
    },
    **{
        name: CASES[name]
        for name in (
            "1000 fps", "variable rate in .mkv", "stamps from 25 hours on in .mkv",
            "stamps from 25 hours on in .mp4", "stamps that wrap after half a second in .ts",
            "stamps below zero in .ts", "late video by 0.8 s in .mp4", "audio that ends early",
            "two frames", "an edit list of two parts between keyframes",
            "an edit list with a part twice", "an edit list with a gap before the audio",
        )
    },
}  # fmt: skip
"""Those that are also cut and rendered: one of each kind."""


@pytest.mark.slow
@pytest.mark.parametrize("name", WHOLE)
def test_hard_timing_is_cut_exported_and_rendered(name, tmp_path):
    cut_and_render(WHOLE[name], tmp_path)


REMEDIES = {
    "below.mkv": (CASES["stamps below zero in .mkv"], 25),
    "none.mp4": (CASES["an edit list of no length"], 25),
}


@pytest.mark.parametrize("name", REMEDIES)
def test_the_remedy_for_hard_timing_works(name, tmp_path):
    case, frames = REMEDIES[name]
    with pytest.raises(MediaError) as refused:
        probe(made(case, tmp_path))
    media = probe(remedied(str(refused.value), tmp_path))

    assert (media.rate, media.duration, len(media.audio_streams)) == (25, frames, 1)
