"""What the library costs against a loop written by hand, building the images, and importing.

Run by hand, on an otherwise idle machine, with two threads:
`OMP_NUM_THREADS=2 python -m pytest tests/benchmarks/test_training_speed.py -s -p no:nbval -o addopts=`.
It prints what it measures and holds it against the promises.
"""
# ruff: noqa: T201

import subprocess
import sys
import time

import pytest
import torch

from mtl_utils import datasets, models
from mtl_utils.evaluation import evaluate
from mtl_utils.measures.intervals import mean_interval
from mtl_utils.randomness import generator
from mtl_utils.training import train

BATCH, ROUNDS, STEPS = 256, 100, 4
every_encoder = pytest.mark.parametrize("encoder", [models.lenet, models.small_cnn], ids=["lenet", "small_cnn"])


@pytest.fixture(scope="module")
def images():
    return datasets.multi_mnist(10_000, 2_000, 10)


def by_hand(model, split, *, as_fit, prepared=False, seed=0):
    """The loop that one would write: a shuffled batch cut from the tensors, the sum of two losses, Adam. Yields after a step.

    `as_fit`: with the arithmetic settings of `fit` (channels last, fused Adam), or with PyTorch's own.
    `prepared`: on images that are `float32`, normalized and channels last already, as an expert would keep them.
    """
    layout = torch.channels_last if as_fit else torch.contiguous_format
    model.to(memory_format=layout).train()
    optimizer, order = torch.optim.Adam(model.parameters(), lr=2e-3, fused=True if as_fit else None), generator(seed)
    mean, std = (torch.tensor(values).view(-1, 1, 1) for values in split.normalization)
    scale, shift = 1 / (255 * std), mean / std
    left, right = split.targets["left"], split.targets["right"]
    kept = (split.images.float() * scale - shift).to(memory_format=layout) if prepared else None
    while True:
        permutation = torch.randperm(len(split), generator=order)
        for start in range(0, len(split) - BATCH + 1, BATCH):
            chosen = permutation[start : start + BATCH]
            if kept is not None:
                pixels = kept[chosen]
            else:
                pixels = split.images[chosen].to(torch.float32, memory_format=layout).mul_(scale).sub_(shift)
            outputs = model(pixels)
            loss = torch.nn.functional.cross_entropy(outputs["left"], left[chosen])
            loss = loss + torch.nn.functional.cross_entropy(outputs["right"], right[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            yield loss.item()


def seconds_per_step(run):
    start = time.perf_counter()
    for _ in range(STEPS):
        next(run)
    return (time.perf_counter() - start) / STEPS


def median(values):
    return sorted(values)[len(values) // 2]


def ratio(fitted, hand):
    """Time of one step over that of the other: the two take short turns, and the median of the turns' ratios counts."""
    for _ in range(2):
        seconds_per_step(fitted), seconds_per_step(hand)
    times = []
    for number in range(ROUNDS):
        first, second = (fitted, hand) if number % 2 else (hand, fitted)
        one, two = seconds_per_step(first), seconds_per_step(second)
        times.append((one, two) if number % 2 else (two, one))
    ratios = sorted(own / other for own, other in times)
    own, other = (1e3 * median(each) for each in zip(*times, strict=True))
    low, high = ratios[ROUNDS // 4], ratios[-ROUNDS // 4]
    print(f"\nfit {own:.2f} ms, by hand {other:.2f} ms; ratio {median(ratios):.3f} (half of the turns {low:.3f} to {high:.3f})")
    return median(ratios)


@every_encoder
def test_a_step_costs_what_the_same_step_costs_by_hand(images, encoder):
    fitted = train(models.hard_sharing(encoder, images), images.train, steps=10**9, batch_size=BATCH)
    hand = by_hand(models.hard_sharing(encoder, images), images.train, as_fit=True)
    assert ratio(fitted, hand) <= 1.02


@every_encoder
def test_a_step_costs_little_more_than_an_experts_on_prepared_images(images, encoder):
    fitted = train(models.hard_sharing(encoder, images), images.train, steps=10**9, batch_size=BATCH)
    hand = by_hand(models.hard_sharing(encoder, images), images.train, as_fit=True, prepared=True)
    assert ratio(fitted, hand) <= 1.03


@every_encoder
def test_the_default_settings_are_faster_than_pytorchs(images, encoder):
    fitted = train(models.hard_sharing(encoder, images), images.train, steps=10**9, batch_size=BATCH)
    hand = by_hand(models.hard_sharing(encoder, images), images.train, as_fit=False)
    assert ratio(fitted, hand) <= 0.85


def test_the_default_settings_are_as_accurate(images):
    differences = []
    for seed in range(4):
        fitted, hand = (models.hard_sharing(models.lenet, images, seed=seed) for _ in range(2))
        for run in (
            train(fitted, images.train, steps=10**9, batch_size=BATCH, seed=seed),
            by_hand(hand, images.train, as_fit=False, seed=seed),
        ):
            for _ in range(150):
                next(run)
        reached = [sum(evaluate(model, images.val).metrics.values()) / 2 for model in (fitted, hand)]
        differences.append(100 * (reached[0] - reached[1]))
    interval = mean_interval(differences)
    print(f"\naccuracy of fit minus by hand: {interval.mean:.2f} ± {interval.half_width:.2f} points")
    assert interval.low - 0.25 <= 0 <= interval.high + 0.25


def test_sixty_thousand_two_object_images():
    times = []
    for seed in range(3):
        start = time.perf_counter()
        made = datasets.multi_mnist(60_000, 10_000, 10_000, seed=seed)
        times.append(time.perf_counter() - start)
    size = sum(tensor.untyped_storage().nbytes() for tensor in (made.train.images, *made.train.targets.values()))
    print(f"\n60,000 + 20,000 images in {min(times):.2f} s (median {median(times):.2f} s); the 60,000 take {size / 1e6:.0f} MB")
    assert min(times) < 1.5
    assert size < 100e6


def test_importing_adds_less_than_a_second():
    rooms = "import mtl_utils\nfrom mtl_utils import balancing, datasets, measures, models, tasks, training"

    def seconds(more):
        code = (
            f"import time\nimport torch, torchvision\nstart = time.perf_counter()\n{more}\nprint(time.perf_counter() - start)"
        )
        return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)

    added = min(seconds(rooms) for _ in range(3))
    with_plots = min(seconds(rooms + "\nfrom mtl_utils import plotting") for _ in range(2))
    print(f"\nimporting adds {added:.2f} s, with plotting {with_plots:.2f} s")
    assert added < 1.0
