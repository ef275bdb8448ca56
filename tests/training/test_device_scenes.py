"""Scenes made on a device are those that processors make; tested on the processor."""

from types import SimpleNamespace

import device_audio
import device_crops
import device_scenes
import numpy as np
import pytest
import torch
from course import Course
from device_footage import Footage, Plans, audio_of, make_plans
from generated_talker import talker
from pieces import Piece
from scenes import WRONG, Scenes
from torch.nn import functional as fn

from otio_speakerzoom.speech.crops import crop_face
from otio_speakerzoom.speech.mfcc import compute_mfcc, mfcc_at_ticks
from otio_speakerzoom.speech.networks.sync_asd import RECIPE


@pytest.fixture(scope="module")
def talkers():
    return [talker(number) for number in range(4)]


@pytest.fixture(scope="module")
def footage(talkers):
    return Footage(talkers, "cpu")


@pytest.fixture(scope="module")
def plans(talkers):
    scenes = Scenes(talkers, batch=2, ticks=48, seed=0)
    return make_plans(scenes, talkers, 12, 0, "cpu")


def test_a_batch_has_the_fields_of_scenes_from_processors(talkers, footage, plans):
    here = next(iter(Scenes(talkers, batch=2, ticks=48, seed=0)))

    there = device_scenes.DeviceScenes(footage, plans, batch=2, seed=0, stretches=2)
    there = there.scenes(*here[0].shape[:2])

    assert [part.shape for part in there] == [part.shape for part in here]
    crops, rows, speaks, mouths, weight, visual, _ = there
    assert 0 <= crops.min() < crops.max() <= 255
    assert rows.isfinite().all()
    assert (speaks[:, 1:] <= device_scenes.DUB_CHANCE + 1e-6).all()
    assert (speaks[:, 0] <= 1).all()
    assert not visual[mouths > 0.5].isnan().any()  # a mouth that talks is one that the teachers saw
    assert (weight >= 0).all()


def test_scenes_on_a_device_are_the_same_for_the_same_seed(footage, plans):
    first, second = (
        next(iter(device_scenes.DeviceScenes(footage, plans, batch=2, seed=3, stretches=2)))
        for _ in "ab"
    )

    for one, other in zip(first, second, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0, equal_nan=True)


def test_a_step_after_a_batch_can_still_learn(footage, plans):
    next(iter(device_scenes.DeviceScenes(footage, plans, batch=1, seed=0, stretches=2)))

    assert torch.is_grad_enabled()


@pytest.mark.parametrize(("start", "speed", "shift"), [(3.3, 1.1, 0), (-20, 1, 2), (60, 0.9, -1.5)])
def test_planned_audio_is_that_of_a_piece(talkers, footage, start, speed, shift):
    piece = Piece(talkers[2], start, 30, speed)
    position = torch.tensor(start + speed * np.arange(30), dtype=torch.float32)
    plan = Plans(
        torch.full((1, 1, 30), 2), position[None, None], torch.full((1, 1, 30), float(speed)),
        torch.zeros(1, 30, dtype=torch.bool),
    )  # fmt: skip

    audio = audio_of(footage, plan, torch.tensor([[float(shift)]]))[0, 0]

    expected = piece.audio(int(640 * shift))
    difference = np.abs(audio.numpy() - expected)
    # single precision shifts a sample by up to a hundredth of its distance to the next
    assert np.percentile(difference, 99) < 0.02 * np.abs(expected).max()
    assert (audio.numpy()[expected == 0] == 0).mean() > 0.99


def test_cepstra_on_a_device_are_those_of_the_reference():
    rng = np.random.default_rng(0)
    pcm = (rng.normal(size=(2, 20 * 640)) * [[3000], [30]]).astype(np.int16)
    pcm[1, 5000:9000] = 0

    rows = device_audio.Cepstra("cpu")(torch.tensor(pcm).float())

    expected = np.stack([mfcc_at_ticks(compute_mfcc(clip), 20) for clip in pcm])
    np.testing.assert_allclose(rows, expected, atol=1e-2)


def test_degraded_audio_is_whole_numbers_of_sixteen_bits():
    degrading = device_audio.Degrading(0, "cpu", stretches=3)
    clips = 3000 * torch.randn(8, 20 * 640)

    audio = degrading(clips, clips.roll(1, 0))

    assert (audio == audio.round()).all()
    assert audio.abs().max() <= 32768
    assert audio.std(1).min() > 10  # nothing becomes silent


def test_another_voice_replaces_the_own_one_where_it_is_its_turn():
    own, other = torch.full((1, 20 * 640), 2000.0), torch.full((1, 20 * 640), -500.0)
    turns = torch.zeros(1, 20, dtype=torch.bool)
    turns[:, 5:10] = True

    audio = device_audio.replace_voice(own, other, turns, torch.tensor([0.5]))[0]

    assert (audio[: 5 * 640 - 160] == 2000).all()
    assert (audio[10 * 640 + 160 :] == 2000).all()
    torch.testing.assert_close(
        audio[5 * 640 + 160 : 10 * 640 - 160], torch.full((2880,), -1000.0), atol=1, rtol=0
    )


def test_the_own_voice_counts_only_where_it_is_in_the_audio():
    torch.manual_seed(0)
    own, other = 3000 * torch.randn(2, 60, 30 * 640)
    turns = torch.rand(60, 30) < 0.2
    listening = torch.zeros(60, 1, dtype=torch.bool)

    audio, voiced, instead = device_scenes.mix_voices(own, other, turns, listening)

    ticks, voices = audio.unflatten(1, (30, 640)), own.unflatten(1, (30, 640))
    untouched = (ticks == voices).all(-1)
    assert 0.1 < untouched.float().mean() < 0.9
    assert (voiced[untouched] == 1).all()
    silent = (ticks == 0).all(-1)
    assert silent.any()
    assert (voiced[silent] == 0).all()
    assert (instead[silent] == 0).all()
    assert (instead * voiced == 0).all()


def test_a_crop_without_unrest_is_that_of_the_pipeline(talkers):
    frame, box = talkers[0].frames[10], device_crops.FACE
    middle = torch.tensor((box[:2] + box[2:]) / 2 - 0.5)[None, None]
    middle[..., 1] += device_crops.FACE_SIZE * RECIPE.shift
    side = torch.tensor([[device_crops.FACE_SIZE * RECIPE.scale]])
    level = torch.zeros(1, 1)

    grid = device_crops.crop_grid(middle, side, level, torch.ones(1, 1), level)

    picture = torch.tensor(frame)[None, None].float()
    crop = fn.grid_sample(picture, grid, align_corners=False)[0, 0].numpy()
    assert np.abs(crop - crop_face(frame, box, RECIPE)).mean() < 1


def test_a_head_turns_around_the_middle_of_its_face():
    middle, side, level = torch.full((1, 1, 2), 95.5), torch.full((1, 1), 110.0), torch.zeros(1, 1)

    grids = [
        device_crops.crop_grid(middle, side, level, torch.ones(1, 1), torch.full((1, 1), angle))
        for angle in (0.0, 0.7)
    ]

    across = [(96 * (1 + grid[0, 56, :, 0])).numpy() for grid in grids]
    assert across[1][55:57].mean() == pytest.approx(across[0][55:57].mean(), abs=0.5)
    near, far = np.ptp(across[1][:56]), np.ptp(across[1][56:])
    assert max(near, far) > 1.3 * min(near, far)  # one cheek is wider than the other


def test_compression_keeps_flat_blocks_and_coarsens_fine_detail():
    torch.manual_seed(0)
    cameras = device_crops.Cameras("cpu")
    flat, fine = torch.full((1, 1, 112, 112), 90.0), 90 + 20 * torch.randn(1, 1, 112, 112)

    assert (cameras._compress(flat, 10) - 90).abs().max() < 6  # a step of the mean is 10
    left = cameras._compress(fine, 10)
    assert left.std() < fine.std()
    assert (left - fine).abs().mean() > 5


def test_frames_repeat_in_some_scenes_and_stay_in_order():
    torch.manual_seed(0)

    ticks = device_crops.display_ticks(200, 50, torch.device("cpu"))

    assert (ticks <= torch.arange(50) + 2).all()  # at half the rate, a frame lasts two ticks
    assert (ticks.diff(dim=1) >= 0).all()
    repeats = (ticks.diff(dim=1) == 0).any(1).float().mean()
    assert 0.15 < repeats < 0.45


def test_wrong_voices_are_never_what_the_face_says_at_that_time(plans):
    own, others = plans.take[:, :1], plans.take[:, 1:]
    same_time = (plans.position[:, :1] - plans.position[:, 1:]).abs() < 1

    assert others.shape[1] == WRONG + 1
    assert ((own == others) & same_time).float().mean() < 0.05


def test_a_course_ends_when_its_time_is_over(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("course.time", SimpleNamespace(monotonic=lambda: now[0]))
    course = Course(1000, 1e-3, minutes=2, _start=0.0)
    half = course.progress(500)
    now[0] = 90.0

    assert half == 0.5
    assert course.progress(500) == 0.75
    assert course.share_of_rate(500) < Course(1000, 1e-3).share_of_rate(500)
    now[0] = 120.0
    assert course.progress(501) == 1
