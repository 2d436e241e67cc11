"""What one network for four tasks saves, forward, against four networks for one task each.

Run by hand: `python -m pytest tests/benchmarks/test_scene_network_speed.py -s -p no:nbval -o addopts=`.
It prints a table; the target is a shared forward pass of at most 0.45 of the four.
"""
# ruff: noqa: T201

import time

import torch

from mtl_utils import datasets, models

TARGET = 0.45


def seconds(action, repeats=15):
    """The fastest of so many, after two rounds to warm up: other work on the machine only ever slows it."""
    times = []
    for _ in range(repeats + 2):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times[2:])


def test_forward_pass():
    data = datasets.moving_scenes(8, 1, 1, frames=8).pairs()
    images, _ = data.train.batch(slice(0, 32))
    variants = {
        "shared": {},
        "+ enhancement": {"enhancement": True},
        "+ mask": {"enhancement": "mask"},
        "+ fusion": {"fusion": True},
    }
    with torch.inference_mode():
        alone = [models.scene_network(data.for_tasks(task.name)).eval() for task in data.tasks]
        four = sum(seconds(lambda network=network: network(images)) for network in alone)
        print(f"\nfour networks: {1000 * four / 32:.2f} ms per frame")
        for name, switches in variants.items():
            network = models.scene_network(data, **switches).eval()
            one = seconds(lambda network=network: network(images))
            print(f"{name:14} {1000 * one / 32:.2f} ms per frame, {one / four:.2f} of four (target for shared: {TARGET})")
    assert four > 0
