import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from otio_speakerzoom.errors import WeightsError
from otio_speakerzoom.speech.features import Clip
from otio_speakerzoom.speech.networks.sync_asd import (
    ENCODER_HALO,
    JOINT_HALO,
    Member,
    SyncAsd,
    SyncAsdScorer,
)
from otio_speakerzoom.speech.scoring import score_clip
from otio_speakerzoom.weights import catalogue, fetch
from otio_speakerzoom.weights.checkpoint import load_checkpoint

ROOT = Path(__file__).parents[2]
FILE = ROOT / "weights" / "sync-asd.npz"
HALO = ENCODER_HALO + JOINT_HALO


@pytest.fixture(scope="module")
def scorer():
    return SyncAsdScorer(FILE)


def clip(frames, seed=0):
    """A picture that drifts, and rows that swell: (frames, 112, 112) uint8, (4 * frames, 13)."""
    rng = np.random.default_rng(seed)
    still = rng.integers(0, 256, (14, 14)).repeat(8, 0).repeat(8, 1)
    crops = np.stack([np.roll(still, (t, t // 2), (0, 1)) for t in range(frames)]).astype(np.uint8)
    rows = rng.normal(0, 8, (4 * frames, 13)).astype(np.float32)
    rows[:, 0] += 12 + 4 * np.sin(np.arange(4 * frames) / 9)
    return crops, rows


def scored(scorer, crops, rows):
    return score_clip(scorer, Clip(crops, rows[None]))[0]


# --- the committed file ------------------------------------------------------------------------


def test_the_committed_file_is_the_one_that_the_catalogue_names():
    entry = catalogue.entry("sync-asd")

    assert hashlib.sha256(FILE.read_bytes()).hexdigest() == entry.sha256
    assert FILE.stat().st_size == entry.size <= 5_000_000
    assert fetch.find("sync-asd") == FILE


def test_it_fills_a_network_of_at_most_a_million_and_a_half_numbers(scorer):
    assert sum(weight.numel() for weight in scorer.network.parameters()) <= 1_500_000


def test_its_scores_on_fixed_input_are_as_measured_when_it_was_committed(scorer):
    logits = scored(scorer, *clip(60))

    assert logits.shape == (60,)
    assert logits[::12] == pytest.approx(PINNED, abs=2e-3)


PINNED = [-3.5334, -8.6920, -7.3645, -7.5472, -6.1817]


def test_a_file_with_a_tensor_missing_is_refused(tmp_path):
    with np.load(FILE) as arrays:
        kept = dict(arrays.items())
    kept.pop("members.1.joint.score.weight")
    np.savez(tmp_path / "short.npz", **kept)

    with pytest.raises(WeightsError, match=r"short\.npz.*missing members\.1\.joint\.score\.weight"):
        load_checkpoint(SyncAsd(), tmp_path / "short.npz")


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    (tmp_path / "text.npz").write_text("not an archive")

    with pytest.raises(WeightsError, match=r"text\.npz: not a checkpoint"):
        load_checkpoint(SyncAsd(), tmp_path / "text.npz")


# --- the network -------------------------------------------------------------------------------


def test_windows_with_their_context_give_what_one_pass_gives(scorer):
    crops, rows = clip(700)
    start, end = 300, 400

    whole = scored(scorer, crops, rows)
    first, last = start - HALO, end + HALO
    window = scored(scorer, crops[first:last], rows[4 * first : 4 * last])

    assert window[HALO:-HALO] == pytest.approx(whole[start:end], abs=1e-4)
    assert np.ptp(whole[start:end]) > 1e-2


def test_no_score_depends_on_what_lies_beyond_the_halo(scorer):
    crops, rows = clip(2 * HALO + 40)
    before = scored(scorer, crops, rows)
    crops[0], rows[:4] = 255 - crops[0], rows[:4] + 30

    after = scored(scorer, crops, rows)

    assert after[HALO + 1 :] == pytest.approx(before[HALO + 1 :], abs=1e-5)
    assert np.abs(after - before)[:20].max() > 1e-2


def test_a_batch_of_two_is_two_single_passes(scorer):
    pairs = [clip(30, seed) for seed in (1, 2)]
    crops, rows = (torch.tensor(np.stack(part)) for part in zip(*pairs, strict=True))

    with torch.inference_mode():
        both = scorer.network(rows, crops).numpy()

    for logits, pair in zip(both, pairs, strict=True):
        assert logits == pytest.approx(scored(scorer, *pair), abs=1e-4)


@pytest.mark.parametrize("frames", [1, 2, 7])
def test_the_shortest_tracks_get_a_score_for_every_tick(scorer, frames):
    logits = scored(scorer, *clip(frames))

    assert logits.shape == (frames,)
    assert np.isfinite(logits).all()


def test_black_pictures_and_silence_give_finite_scores_below_zero(scorer):
    logits = scored(scorer, np.zeros((50, 112, 112), np.uint8), np.zeros((200, 13), np.float32))

    assert (scorer.calibration(logits) < 0).all()


# --- training ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def training():
    """The modules of `training/`, which import one another by their bare names."""
    sys.path.insert(0, str(ROOT / "training"))
    try:
        import corpus
        import evaluate
        import scenes
        import train
    finally:
        sys.path.remove(str(ROOT / "training"))
    return {"corpus": corpus, "evaluate": evaluate, "scenes": scenes, "train": train}


def talker(training, number):
    """A made-up person whose mouth, a dark bar, opens as loud as the voice is; one pause."""
    rng = np.random.default_rng(number)
    level = np.abs(np.sin(np.arange(80) / rng.uniform(1.5, 4) + number))
    level[30:50] = 0
    pictures = np.full((80, 192, 192), 150, np.uint8)
    pictures[:, :60] = rng.integers(0, 255, (60, 192))
    for picture, opening in zip(pictures, level, strict=True):
        picture[100 : 100 + int(25 * opening), 70:120] = 20
    pcm = np.repeat(6000 * level, 640) * rng.normal(size=51200)
    voice = (level > 0).astype(np.float32)
    sure = 4 * voice - 2
    taught = np.tile(level[:, None], 256).astype(np.float16)
    return training["corpus"].Track(
        f"t{number}", f"p{number}", "ok", pictures, pcm.astype(np.int16), voice, sure, sure,
        taught, taught,
    )  # fmt: skip


def test_a_few_steps_on_a_tiny_network_make_the_loss_fall(training):
    train, scenes = training["train"], training["scenes"]
    torch.manual_seed(0)
    tracks = [talker(training, number) for number in range(8)]
    batches = iter(scenes.Scenes(tracks, batch=4, ticks=80, seed=0))
    batch = [torch.tensor(part) for part in next(batches)]
    network, helpers = Member(width=16), train.Helpers(width=16)
    optimizer = torch.optim.AdamW([*network.parameters(), *helpers.parameters()], 3e-3)

    told = []
    for _ in range(12):
        parts = train.losses(network, helpers, batch)
        optimizer.zero_grad()
        sum(parts.values()).backward()
        optimizer.step()
        told.append(float(sum(parts.values()).detach()))

    assert np.mean(told[-2:]) < 0.8 * told[0]


def test_members_are_joined_by_number(training, tmp_path):
    files = [tmp_path / f"{name}.npz" for name in "ab"]
    for file, values in zip(files, ([1, 2], [5, 7]), strict=True):
        np.savez(file, w=np.array(values, np.float16))

    training["train"].join(files, tmp_path / "joined.npz")

    with np.load(tmp_path / "joined.npz") as file:
        assert {name: file[name].tolist() for name in file} == {
            "members.0.w": [1, 2], "members.1.w": [5, 7],
        }  # fmt: skip
        assert file["members.0.w"].dtype == np.float16


def test_scenes_are_the_same_for_the_same_seed(training):
    tracks = [talker(training, number) for number in range(6)]
    made = [next(iter(training["scenes"].Scenes(tracks, batch=3, ticks=50, seed=7))) for _ in "ab"]

    for first, second in zip(*made, strict=True):
        np.testing.assert_array_equal(first, second)


def test_a_sound_counts_as_the_faces_own_only_where_its_voice_was_left_in(training):
    scenes = training["scenes"]
    rng = np.random.default_rng(3)
    for _ in range(40):
        own, other = rng.normal(0, 3000, (2, 50 * 640)).astype(np.float32)
        taught, turns = np.ones((50, 256), np.float16), rng.random(50) < 0.2
        (made, features), voiced = scenes.sounding((own, taught), other, turns, 0.3, rng)
        kept = (made == own).reshape(50, -1).all(axis=1)
        # what was swapped or muted is labelled so; what is untouched is labelled as the own voice
        assert (voiced[kept] == 1).all()
        assert (voiced[made.reshape(50, -1).max(axis=1) == 0] == 0).all()
        # and the teachers, who heard the own voice alone, are believed where it is alone
        np.testing.assert_array_equal(np.isfinite(features).all(axis=1), kept)


def test_another_voice_answers_where_it_is_its_turn_and_nowhere_else(training):
    scenes = training["scenes"]
    own, other = np.full(20 * 640, 2000.0, np.float32), np.full(20 * 640, -500.0, np.float32)
    turns = np.zeros(20, bool)
    turns[5:10] = True

    made = scenes.answered(own, other, turns, gain=0.5)

    fade = 160  # samples on either side of a change, 20 ms in all
    assert (made[: 5 * 640 - fade] == 2000).all()
    assert (made[10 * 640 + fade :] == 2000).all()
    # as loud as the own voice, times the gain
    assert made[5 * 640 + fade : 10 * 640 - fade] == pytest.approx(-1000, abs=1)
    assert np.abs(np.diff(made)).max() < 3000 / 300  # no click


def test_a_face_comes_to_rest_and_back_without_a_cut(training):
    pictures, rest = np.zeros((9, 2, 2), np.uint8), np.full((9, 2, 2), 100, np.uint8)

    training["scenes"].fade_in(pictures, rest)

    assert pictures[:, 0, 0].tolist() == [25, 50, 75, 100, 100, 100, 75, 50, 25]


def test_a_face_never_counts_as_speaking_while_it_listens(training):
    scenes = training["scenes"]
    made = scenes.Scenes([talker(training, 1)], batch=1, ticks=60, seed=0)
    listening = 0
    for seed in range(40):
        rng = AudioSelection(np.random.default_rng(seed))
        scene = made.scene(0, 60, rng)
        joints = np.flatnonzero(scene.weight == 0)
        if len(joints) == 2 * scenes.FADE:
            there = slice(joints[0], joints[-1] + 1)
            listening += 1
            assert (scene.speaks[there] == 0).all()
            assert (scene.mouths[there] == 0).all()
            assert np.isnan(scene.seen[there]).all()
    assert listening > 20


class AudioSelection:
    """A random source that makes every scene one of a face that listens for a while."""

    def __init__(self, rng):
        self.rng = rng

    def __getattr__(self, name):
        return getattr(self.rng, name)

    def choice(self, options, *arguments, **named):
        if "listens" in list(options if isinstance(options, list) else []):
            return "listens"
        return self.rng.choice(options, *arguments, **named)


def test_teachers_are_asked_for_the_tick_that_is_heard(training):
    scenes, take = training["scenes"], talker(training, 1)
    taught = np.repeat(np.arange(80, dtype=np.float16)[:, None], 256, axis=1)
    object.__setattr__(take, "heard", taught)
    piece = scenes.Piece(take, start=-2, ticks=10, speed=1.0)

    late = piece.heard(3 * scenes.TICK)[:, 0]

    np.testing.assert_array_equal(late, [np.nan] * 5 + [0, 1, 2, 3, 4])
    assert (piece.sound(3 * scenes.TICK)[: 5 * scenes.TICK] == 0).all()


def test_average_precision_and_area_are_those_of_a_worked_example(training):
    evaluate = training["evaluate"]
    true, false = np.array([3.0, 1.0]), np.array([2.0, 0.0])

    # ranks: true at 1 and 3, so precision 1 and 2/3; three of four pairs are in order
    assert evaluate.precision(true, false) == pytest.approx((1 + 2 / 3) / 2)
    assert evaluate.area(true, false) == pytest.approx(0.75)


def test_calibration_finds_the_line_that_made_the_logits(training):
    evaluate = training["evaluate"]
    rng = np.random.default_rng(0)
    truth = rng.normal(0, 2, 40_000)
    speaks = rng.random(len(truth)) < 1 / (1 + np.exp(-truth))
    raw = (truth + 0.6) / 1.7  # so that 1.7 * raw - 0.6 is the truth again

    outcome = evaluate.Outcome({"talking": raw[speaks], "pause": raw[~speaks]}, {})

    # half of these frames speak, of those in the field a third: log odds lower by the log of 2
    assert evaluate.calibration(outcome) == pytest.approx((1.7, -0.6 - np.log(2)), abs=0.06)
