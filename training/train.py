"""Train a member of Sync-ASD, from nothing or further, or join members to one file.

    python training/train.py --corpus CORPUS --teachers teachers.npz --out member.npz
    python training/train.py ... --start member-2000.npz --rate 1e-3 --out further.npz
    python training/train.py ... --start sync-asd.npz --member 1 --rate 5e-4 --out further1.npz
    python training/train.py --join one-2000.npz other-2000.npz --out sync-asd.npz

Every step encodes eight faces or more once, and three audio clips for each: its own and two that
are surely wrong. Scoring a pair costs little, and its label is known by construction. Scenes are
made by other processes, or, with `--scenes-on-device`, on the GPU where the network trains.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from corpus import Track, describe, read_tracks
from course import AVERAGE, Course
from device_footage import Footage, make_plans
from device_scenes import DeviceScenes
from evaluate import evaluate_scorer, summary
from pair_scorers import sync_asd_scorer
from scenes import WRONG, Scenes
from torch import Tensor, nn
from torch.nn import functional as fn
from torch.utils.data import DataLoader

from otio_speakerzoom.speech.networks.face_channels import face_channels
from otio_speakerzoom.speech.networks.sync_asd import WIDTH, Member

TICKS = 128
WEIGHT_DECAY = 0.05
WRONG_WEIGHT = 0.5
"""Weight of a face with wrong audio; there are two of these for each with its own."""
HINT_WEIGHT = 0.3
"""Weight of the teachers' features."""
TEACHER_FEATURES = 256
"""128 of either teacher."""
SYNC_WINDOWS = (25, 75)
TEMPERATURE = 10.0
STEPS_PER_LINE = 50
HELPERS_RATE = 2e-3
"""Highest learning rate of the helpers, which start from nothing in every run."""


class Helpers(nn.Module):
    """Layers that only training needs: frames and audio must each be informative on their own."""

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        self.mouth = nn.Conv1d(width, 1, 1)  # does this mouth speak?
        self.visual_hint = nn.Conv1d(width, TEACHER_FEATURES, 1)
        self.audio_hint = nn.Conv1d(width, TEACHER_FEATURES, 1)
        self.scale = nn.Parameter(torch.tensor(math.log(TEMPERATURE)))


def losses(network: Member, helpers: Helpers, batch: list[Tensor]) -> dict[str, Tensor]:
    """Return the parts of the loss of one batch, each weighted already."""
    device = helpers.scale.device
    crops, rows, speaks, mouths, weight, visual_target, audio_target = (
        part.to(device, non_blocking=True) for part in batch
    )
    channels = face_channels(crops)
    with torch.autocast("cuda", torch.bfloat16, enabled=device.type == "cuda"):
        visual = network.visual(channels).float()  # (B, C, T)
    audio = network.audio(rows.flatten(0, 1)).unflatten(0, rows.shape[:2])  # (B, 1 + WRONG, C, T)
    # All pairs in one call: if each kind were normalised by itself, its statistics would give it
    # away.
    logits = network.joint(visual.repeat(1 + WRONG, 1, 1), audio.transpose(0, 1).flatten(0, 1))
    labels = speaks.transpose(0, 1).flatten(0, 1)
    weights = torch.cat([weight, WRONG_WEIGHT * weight.repeat(WRONG, 1)])
    main = (_entropy(logits, labels) * weights).sum() / weights.sum()
    mouth = (_entropy(helpers.mouth(visual)[:, 0], mouths) * weight).mean()
    sync = sync_loss(network, helpers, visual, audio, speaks[:, 0])
    hints = hint_loss(helpers.visual_hint(visual), visual_target, weight) + hint_loss(
        helpers.audio_hint(audio.flatten(0, 1)),
        audio_target.flatten(0, 1),
        weight.repeat_interleave(1 + WRONG, 0),
    )
    return {"main": main, "mouth": 0.3 * mouth, "sync": 0.3 * sync, "hint": HINT_WEIGHT * hints}


def hint_loss(features: Tensor, targets: Tensor, weight: Tensor) -> Tensor:
    """Mean squared error of (N, D, T) against the teachers' features, (N, T, D), NaN where none.

    Each feature counts the same, whatever its range (Romero et al., FitNets, ICLR 2015).
    """
    present = ~targets[..., 0].isnan()  # (N, T)
    mask, count = present[..., None].float(), present.sum().clamp(min=1)
    values = targets.float().nan_to_num()
    mean = (values * mask).sum((0, 1)) / count
    variance = ((values - mean).square() * mask).sum((0, 1)) / count
    target = (values - mean) * (variance + 1e-5).rsqrt()  # as batch normalisation
    error = (features.transpose(1, 2) - target).square().mean(2)
    counted = weight * present
    return (error * counted).sum() / counted.sum().clamp(min=1)


def _entropy(logits: Tensor, target: Tensor) -> Tensor:
    return fn.binary_cross_entropy_with_logits(logits, target, reduction="none")


def sync_loss(
    network: Member, helpers: Helpers, visual: Tensor, audio: Tensor, speaks: Tensor
) -> Tensor:
    """InfoNCE: a speaking face fits its own audio better than the wrong audio that came with it."""
    face = fn.normalize(network.joint.of_picture(visual), dim=1)[:, None]  # (B, 1, D, T)
    voices = network.joint.of_sound(audio.flatten(0, 1)).unflatten(0, audio.shape[:2])
    voices = fn.normalize(voices, dim=2)
    similarity = torch.stack([(face * voices.roll(lag, 3)).sum(2) for lag in range(-4, 5, 2)])
    loss = face.new_zeros(())
    for window in (min(window, speaks.shape[1]) for window in SYNC_WINDOWS):
        mean = fn.avg_pool1d(similarity.flatten(0, 1), window, 8).unflatten(0, similarity.shape[:2])
        best = helpers.scale.exp() * torch.logsumexp(3 * mean, 0) / 3  # (B, 1 + WRONG, n)
        entropy = -best.log_softmax(1)[:, 0]
        sure = (fn.avg_pool1d(speaks[:, None], window, 8)[:, 0] > 0.4).float()  # (B, n)
        loss = loss + (entropy * sure).sum() / sure.sum().clamp(min=1)
    return loss / len(SYNC_WINDOWS)


def save(network: Member, path: Path) -> None:
    """Write the weights of a member in half precision."""
    state = network.state_dict().items()
    arrays = {name: (x.half() if x.is_floating_point() else x).cpu().numpy() for name, x in state}
    np.savez(path, **arrays)


def join(members: Sequence[Path], path: Path) -> None:
    """Write the weights of all `members` under the names that `SyncAsd` has for them."""
    arrays = {}
    for number, member in enumerate(members):
        with np.load(member, allow_pickle=False) as file:
            arrays |= {f"members.{number}.{name}": array for name, array in file.items()}
    np.savez(path, **arrays)


def load(path: Path, member: int | None = None) -> Member:
    """Return the member that `save` wrote, or that of this number in what `join` wrote."""
    network, prefix = Member(), "" if member is None else f"members.{member}."
    with np.load(path, allow_pickle=False) as arrays:
        state = {
            name.removeprefix(prefix): torch.tensor(array)
            for name, array in arrays.items()
            if name.startswith(prefix)
        }
    network.load_state_dict(state)
    return network


class Training:
    """A network on its course, with the running mean of its weights."""

    def __init__(self, network: Member, course: Course) -> None:
        device = next(network.parameters()).device
        self.network, self.course = network.train(), course
        self.average = deepcopy(network).eval()
        self._helpers = Helpers().to(device)
        self._weights = [*network.parameters(), *self._helpers.parameters()]
        groups = [
            {"params": network.parameters()},
            {"params": self._helpers.parameters(), "lr": HELPERS_RATE},
        ]
        self._optimizer = torch.optim.AdamW(
            groups, course.rate, weight_decay=WEIGHT_DECAY, fused=device.type == "cuda"
        )
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimizer, course.share_of_rate)
        self._steps, self._sums = 0, Counter()

    def step(self, batch: list[Tensor]) -> int:
        """Learn from a batch; return the number of the step, from 1."""
        parts = losses(self.network, self._helpers, batch)
        self._optimizer.zero_grad()
        torch.stack(list(parts.values())).sum().backward()
        nn.utils.clip_grad_norm_(self._weights, 2.0)
        self._optimizer.step()
        self._schedule.step()
        self._steps += 1
        keep = min(self.course.average, self._steps / (self._steps + 10))
        update_average(self.average, self.network, keep)
        self._sums.update({name: part.detach() for name, part in parts.items()})
        if self._steps % STEPS_PER_LINE == 0:  # the only time that they are read
            means = {name: float(total) / STEPS_PER_LINE for name, total in self._sums.items()}
            line = ", ".join(f"{name} {mean:.3f}" for name, mean in means.items())
            minutes = self.course.minutes_passed()
            print(f"step {self._steps}, {minutes:.1f} min: {line}", flush=True)
            self._sums.clear()
        return self._steps


def train(
    network: Member,
    batches: Iterable[list[Tensor]],
    course: Course,
    after_step: Callable[[int, Member, bool], None],
) -> None:
    """Train `network`.

    After each step, `after_step` gets its number, the running mean of the weights, and whether it
    was the last.
    """
    training = Training(network, course)
    for batch in batches:
        step = training.step(batch)
        last = course.progress(step) >= 1
        after_step(step, training.average, last)
        if last:
            break


@torch.no_grad()
def update_average(average: Member, network: Member, keep: float) -> None:
    """Move the running mean of the weights by a share of 1 - `keep` towards those of `network`."""
    pairs = zip(average.state_dict().values(), network.state_dict().values(), strict=True)
    for mean, value in pairs:
        if mean.is_floating_point():
            mean.lerp_(value, 1 - keep)


def parse_arguments() -> argparse.Namespace:
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--corpus", type=Path, nargs="+")
    parser.add_argument("--teachers", type=Path)
    parser.add_argument(
        "--out", type=Path, required=True,
        help="the npz to write; each evaluation adds its step to the name",
    )  # fmt: skip
    parser.add_argument("--join", nargs="+", type=Path, help="members to join to one file")
    parser.add_argument("--start", type=Path, help="a member to train further")
    parser.add_argument("--member", type=int, help="its number, where --start has several")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--rate", type=float, default=2e-3, help="the highest learning rate")
    parser.add_argument("--evaluate-every", type=int, default=150, help="steps between evaluations")
    parser.add_argument("--minutes", type=float, default=math.inf, help="end after so long at most")
    parser.add_argument("--average", type=float, default=AVERAGE, help="see course.py")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch", type=int, default=8, help="the fewest scenes of a step")
    parser.add_argument("--device", default="cpu", help="where the network is: cpu, cuda or mps")
    parser.add_argument(
        "--workers", type=int, default=2, help="processes that make scenes; all cores for a GPU"
    )
    parser.add_argument("--scenes-on-device", action="store_true", help="make scenes there too")
    parser.add_argument(
        "--plans", type=int, default=20000, help="how many to cut scenes of, on the device"
    )
    arguments = parser.parse_args()
    if not arguments.join and not (arguments.corpus and arguments.teachers):
        parser.error("training needs --corpus and --teachers")
    return arguments


def open_batches(arguments: argparse.Namespace, tracks: Sequence[Track]) -> Iterable[list[Tensor]]:
    """Return batches without end, from processes or from the device itself."""
    scenes = Scenes(tracks, batch=arguments.batch, ticks=TICKS, seed=arguments.seed)
    if arguments.scenes_on_device:
        footage = Footage(tracks, arguments.device)
        plans = make_plans(scenes, tracks, arguments.plans, arguments.seed, arguments.device)
        return DeviceScenes(footage, plans, batch=arguments.batch, seed=arguments.seed)
    return DataLoader(
        scenes, batch_size=None, num_workers=arguments.workers, prefetch_factor=4,
        pin_memory=arguments.device == "cuda",
    )  # fmt: skip


def main() -> None:
    """Train, evaluate now and then on people not trained on, and write the weights."""
    arguments = parse_arguments()
    if arguments.join:
        join(arguments.join, arguments.out)
        return
    tracks = read_tracks(arguments.corpus, arguments.teachers, "train")
    strangers = read_tracks(arguments.corpus, arguments.teachers, "strangers")
    print(describe(tracks), flush=True)

    def evaluate(step: int, network: Member, last: bool) -> None:
        if step % arguments.evaluate_every == 0 or last:
            save(network, arguments.out.with_stem(f"{arguments.out.stem}-{step}"))
            scorer = sync_asd_scorer(deepcopy(network).cpu())
            outcome = evaluate_scorer(scorer, strangers, others=2)
            print(json.dumps(summary(outcome)), flush=True)

    # the best of four algorithms for each convolution; to try all of them takes a minute
    torch.backends.cudnn.benchmark, torch.backends.cudnn.benchmark_limit = True, 4
    batches = open_batches(arguments, tracks)
    torch.manual_seed(arguments.seed)
    network = load(arguments.start, arguments.member) if arguments.start else Member()
    course = Course(arguments.steps, arguments.rate, arguments.minutes, arguments.average)
    train(network.to(arguments.device), batches, course, evaluate)


if __name__ == "__main__":
    main()
