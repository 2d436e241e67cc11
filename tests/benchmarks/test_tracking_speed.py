"""What decoding and linking a frame cost, beside a forward pass of the shared network.

Run by hand, on an otherwise idle machine, with two threads:
`OMP_NUM_THREADS=2 python -m pytest tests/benchmarks/test_tracking_speed.py -s -p no:nbval -o addopts=`.
"""
# ruff: noqa: T201

import time

import torch

from mtl_utils import datasets
from mtl_utils.datasets.moving_scenes.boxes import decode
from mtl_utils.models.scenes.network import scene_network
from mtl_utils.tracking import link

ROUNDS = 7


def best(run, frames):
    """Seconds per frame, the best of several rounds."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) / frames)
    return min(times)


def test_decoding_and_linking_cost_less_than_a_tenth_of_the_forward_pass():
    scenes = datasets.moving_scenes(1, 1, 32, source="MNIST")
    pairs, length = scenes.pairs().test, scenes.test.frame_count
    model = scene_network(pairs).eval()
    images = pairs.images[:32].float() / 255
    target = pairs.targets["detection"].nan_to_num(0)
    heat, size, offset = target[:, :10], target[:, 10:12], target[:, 12:]
    moved = pairs.targets["tracking"]
    found = decode(heat, size, offset)

    def link_all():
        for start in range(0, len(pairs), length):
            link(found[start : start + length], moved[start : start + length])

    with torch.inference_mode():
        model(images)
        forward = best(lambda: model(images), len(images))
    decoding, linking = best(lambda: decode(heat, size, offset), len(pairs)), best(link_all, len(pairs))
    share = (decoding + linking) / forward
    print(f"\nforward {1e6 * forward:.0f} µs, decode {1e6 * decoding:.0f} µs, link {1e6 * linking:.0f} µs a frame: {share:.1%}")
    assert share < 0.1
