"""What training is shown, what it learns from it, and how the result is measured."""

import evaluate
import mixing
import numpy as np
import pytest
import resting
import scenes
import torch
import train
from conftest import REPOSITORY
from fake_gpu import FakeGpu
from generated_talker import talker

from otio_speakerzoom.speech.networks.sync_asd import Member


def test_a_few_steps_on_a_tiny_network_make_the_loss_fall():
    torch.manual_seed(0)
    tracks = [talker(number) for number in range(8)]
    batches = iter(scenes.Scenes(tracks, batch=4, ticks=80, seed=0))
    batch = [torch.tensor(part) for part in next(batches)]
    network, helpers = Member(width=16), train.Helpers(width=16)
    optimizer = torch.optim.AdamW([*network.parameters(), *helpers.parameters()], 3e-3)

    totals = []
    for _ in range(12):
        parts = train.losses(network, helpers, batch)
        optimizer.zero_grad()
        sum(parts.values()).backward()
        optimizer.step()
        totals.append(float(sum(parts.values()).detach()))

    assert np.mean(totals[-2:]) < 0.8 * totals[0]


def test_a_step_computes_on_the_device_of_the_network_and_nothing_beside_it():
    tracks = [talker(number) for number in range(4)]
    batch = [torch.tensor(x) for x in next(iter(scenes.Scenes(tracks, batch=4, ticks=80, seed=0)))]
    with FakeGpu() as gpu:
        network, helpers = Member(width=16).to("meta"), train.Helpers(width=16).to("meta")
        parts = train.losses(network, helpers, batch)
        torch.stack(list(parts.values())).sum().backward()

    assert {"conv1d", "conv2d", "linear"} <= gpu.worked
    assert not gpu.missed
    assert all(x.grad is not None and x.grad.is_meta for x in network.parameters())


def test_only_features_that_a_teacher_gave_are_learned():
    rng = torch.Generator().manual_seed(0)
    targets = torch.randn(3, 20, 4, generator=rng) * 5 + 2
    targets[1, 5:] = torch.nan
    there, weight = ~targets[..., 0].isnan(), torch.rand(3, 20, generator=rng)
    features = torch.randn(3, 4, 20, generator=rng)
    even = targets[there]
    even = (even - even.mean(0)) / even.std(0, unbiased=False)
    error = (features.transpose(1, 2)[there] - even).square().mean(1)

    loss = train.hint_loss(features, targets, weight)

    assert float(loss) == pytest.approx(
        float((error * weight[there]).sum() / weight[there].sum()), rel=1e-3
    )


def test_members_are_joined_by_number(tmp_path):
    files = [tmp_path / f"{name}.npz" for name in "ab"]
    for file, values in zip(files, ([1, 2], [5, 7]), strict=True):
        np.savez(file, w=np.array(values, np.float16))

    train.join(files, tmp_path / "joined.npz")

    with np.load(tmp_path / "joined.npz") as file:
        assert {name: file[name].tolist() for name in file} == {
            "members.0.w": [1, 2], "members.1.w": [5, 7],
        }  # fmt: skip
        assert file["members.0.w"].dtype == np.float16


def test_a_member_is_taken_out_of_a_file_of_several():
    bundled = REPOSITORY / "weights" / "sync-asd.npz"

    members = [train.load(bundled, number) for number in (0, 1)]

    with np.load(bundled) as file:
        for number, member in enumerate(members):
            weight = file[f"members.{number}.joint.score.weight"]
            np.testing.assert_array_equal(member.joint.score.weight.detach(), weight)


def test_scenes_are_the_same_for_the_same_seed():
    tracks = [talker(number) for number in range(6)]
    batches = [next(iter(scenes.Scenes(tracks, batch=3, ticks=50, seed=7))) for _ in "ab"]

    for first, second in zip(*batches, strict=True):
        np.testing.assert_array_equal(first, second)


def test_audio_counts_as_the_faces_own_only_where_its_voice_is_in_it():
    rng = np.random.default_rng(3)
    for _ in range(40):
        own, other = rng.normal(0, 3000, (2, 50 * 640)).astype(np.float32)
        taught, turns = np.ones((50, 256), np.float16), rng.random(50) < 0.2
        (mixed, features), voiced, instead = mixing.mix_voices(
            (own, taught), other, turns, 0.3, rng
        )
        untouched = (mixed == own).reshape(50, -1).all(axis=1)
        # swapped and muted ticks are labelled so, untouched ones as the own voice
        assert (voiced[untouched] == 1).all()
        assert (voiced[mixed.reshape(50, -1).max(axis=1) == 0] == 0).all()
        # and nothing but the other voice takes its place
        assert (instead * voiced == 0).all()
        silent = mixed.reshape(50, -1).max(axis=1) == 0
        assert (instead[silent] == 0).all()
        assert (instead[~silent & (voiced == 0)] == 1).all()
        # and the teachers, who heard the own voice alone, count where it is alone
        np.testing.assert_array_equal(np.isfinite(features).all(axis=1), untouched)


def test_another_voice_answers_where_it_is_its_turn_and_nowhere_else():
    own, other = np.full(20 * 640, 2000.0, np.float32), np.full(20 * 640, -500.0, np.float32)
    turns = np.zeros(20, bool)
    turns[5:10] = True

    answered = mixing.answer(own, other, turns, gain=0.5)

    fade = 160  # samples on either side of a change, 20 ms in all
    assert (answered[: 5 * 640 - fade] == 2000).all()
    assert (answered[10 * 640 + fade :] == 2000).all()
    # as loud as the own voice, times the gain
    assert answered[5 * 640 + fade : 10 * 640 - fade] == pytest.approx(-1000, abs=1)
    assert np.abs(np.diff(answered)).max() < 3000 / 300  # no click


def test_a_dubbed_voice_wanders_within_some_frames_and_keeps_its_length():
    rng = np.random.default_rng(0)
    delay = mixing.uneven_delay(100, rng)
    ramp = np.arange(100 * 640, dtype=np.float32)

    late = ramp - mixing.delay_unevenly(ramp, delay)

    assert np.abs(np.diff(delay)).max() < 1  # never backwards
    assert late.shape == ramp.shape
    middle = late.reshape(100, 640)[10:90].mean(axis=1)  # at the ends there is no more audio
    np.testing.assert_allclose(middle, 640 * delay[10:90], atol=32)


def test_a_mouth_that_talks_to_a_voice_that_does_not_fit_may_still_be_its_source():
    speaking, dubbing = [], []
    tracks = scenes.Scenes([talker(number) for number in range(4)], batch=1, ticks=60, seed=0)
    for seed in range(20):
        scene = tracks.scene(0, 60, np.random.default_rng(seed))
        speaking.append(scene.speaks[0])
        dubbing.append(scene.speaks[1:])
        silent = scene.mouths < 0.01
        assert (scene.speaks[1:, silent] < 0.001).all()

    assert np.max(dubbing) == pytest.approx(scenes.DUB_CHANCE, rel=0.05)
    assert np.max(speaking) > 0.9


def test_in_a_conversation_a_face_listens_where_the_teacher_says_that_it_is_silent():
    track = talker(1)
    silent = np.arange(80) < 40
    object.__setattr__(track, "sync", "not_measured")
    object.__setattr__(track, "voice", np.ones(80, np.float32))
    object.__setattr__(track, "lr", np.where(silent, -4, 4).astype(np.float32))

    np.testing.assert_array_equal(track.listens, silent)
    np.testing.assert_array_equal(track.speech, ~silent)
    assert not evaluate.talks(track)
    assert resting.resting_frames(track) is not None


def test_a_face_comes_to_rest_and_back_without_a_cut():
    frames, rest = np.zeros((9, 2, 2), np.uint8), np.full((9, 2, 2), 100, np.uint8)

    resting.fade_to_rest(frames, rest)

    assert frames[:, 0, 0].tolist() == [25, 50, 75, 100, 100, 100, 75, 50, 25]


def test_a_face_never_counts_as_speaking_while_it_listens():
    batches = scenes.Scenes([talker(1)], batch=1, ticks=60, seed=0)
    listening = 0
    for seed in range(40):
        rng = ListeningRandom(np.random.default_rng(seed))
        scene = batches.scene(0, 60, rng)
        joints = np.flatnonzero(scene.weight == 0)
        if len(joints) == 2 * scenes.FADE_TICKS:
            there = slice(joints[0], joints[-1] + 1)
            listening += 1
            assert (scene.speaks[:, there] == 0).all()
            assert (scene.mouths[there] == 0).all()
            assert np.isnan(scene.visual_features[there]).all()
    assert listening > 20


class ListeningRandom:
    """A random source that makes every scene one of a face that listens for a while."""

    def __init__(self, rng):
        self.rng = rng

    def __getattr__(self, name):
        return getattr(self.rng, name)

    def choice(self, options, *arguments, **named):
        if "listens" in list(options if isinstance(options, list) else []):
            return "listens"
        return self.rng.choice(options, *arguments, **named)


def test_features_are_those_of_the_tick_that_is_heard():
    take = talker(1)
    taught = np.repeat(np.arange(80, dtype=np.float16)[:, None], 256, axis=1)
    object.__setattr__(take, "audio_features", taught)
    piece = scenes.Piece(take, start=-2, ticks=10, speed=1.0)

    late = piece.audio_features(3 * mixing.TICK)[:, 0]

    np.testing.assert_array_equal(late, [np.nan] * 5 + [0, 1, 2, 3, 4])
    assert (piece.audio(3 * mixing.TICK)[: 5 * mixing.TICK] == 0).all()


def test_average_precision_and_area_are_those_of_a_worked_example():
    true, false = np.array([3.0, 1.0]), np.array([2.0, 0.0])

    # ranks: true at 1 and 3, so precision 1 and 2/3; three of four pairs are in order
    assert evaluate.precision(true, false) == pytest.approx((1 + 2 / 3) / 2)
    assert evaluate.roc_area(true, false) == pytest.approx(0.75)


def test_calibration_finds_the_line_that_made_the_logits():
    rng = np.random.default_rng(0)
    truth = rng.normal(0, 2, 40_000)
    speaks = rng.random(len(truth)) < 1 / (1 + np.exp(-truth))
    raw = (truth + 0.6) / 1.7  # so that 1.7 * raw - 0.6 is the truth again

    outcome = evaluate.Outcome({"talking": raw[speaks], "pause": raw[~speaks]}, {})

    # half of these frames speak, of those in the field a third: log odds lower by the log of 2
    assert evaluate.calibration(outcome) == pytest.approx((1.7, -0.6 - np.log(2)), abs=0.06)
