"""What a training step of each way of sharing costs, against hard sharing and against the sum of its parts.

Run by hand: `python -m pytest tests/benchmarks/test_sharing_steps.py -s -p no:nbval -o addopts=`. It prints a table, and
asserts nothing about time, since other work on the machine slows single measurements.
"""
# ruff: noqa: T201

import time

import pytest
import torch

from mtl_utils import datasets, models

BATCH = 256
WAYS = {
    "hard sharing": models.hard_sharing,
    "separate networks": models.separate_networks,
    "twin columns": models.twin_columns,
    "cross-stitch": models.cross_stitch,
    "NDDR": models.nddr,
    "MTAN": models.mtan,
    "MMoE, 2 experts": models.mixture_of_experts,
    "CGC, 1 own + 1 shared": models.customized_gate_control,
    "PLE, 2 levels": models.progressive_layered_extraction,
}
# How many encoders a way of sharing runs for two tasks: what it cannot cost less than.
ENCODERS_RUN = {
    "hard sharing": 1,
    "separate networks": 2,
    "twin columns": 2,
    "cross-stitch": 2,
    "NDDR": 2,
    "MTAN": 1,
    "MMoE, 2 experts": 2,
    "CGC, 1 own + 1 shared": 3,
    "PLE, 2 levels": 3,
}


def seconds(action, repeats=9):
    """The median time of an action, after two rounds to warm up."""
    times = []
    for _ in range(repeats + 2):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return sorted(times[2:])[repeats // 2]


def step(model, source):
    model.to(memory_format=torch.channels_last).train()
    images, targets = source.train.batch(slice(0, BATCH))
    groups = model.parameter_groups()
    for group in groups:
        group.pop("learning_rate_factor", None)
    optimizer = torch.optim.Adam(groups, lr=1e-3, fused=True)

    def action():
        optimizer.zero_grad()
        outputs = model(images)
        sum(task.loss(outputs[task.name], targets[task.name]) for task in source.tasks).backward()
        optimizer.step()

    return action


@pytest.mark.parametrize("encoder", [models.lenet, models.small_cnn], ids=["lenet", "small_cnn"])
def test_steps_against_hard_sharing_and_the_sum_of_parts(encoder):
    source = datasets.multi_mnist(BATCH, 8, 8)
    trained = {name: way(encoder, source) for name, way in WAYS.items()}
    found = {name: seconds(step(model, source)) for name, model in trained.items()}
    hard = found["hard sharing"]
    print(f"\n{encoder.__name__}, batch {BATCH}, {torch.get_num_threads()} thread(s)")
    for name, taken in found.items():
        of_parts = taken / (ENCODERS_RUN[name] * hard)
        print(f"{name:24s} {1e3 * taken:6.1f} ms   {taken / hard:4.1f} × hard sharing   {of_parts:4.2f} × its encoders")
        assert all(torch.isfinite(p).all() for p in trained[name].parameters())


@pytest.mark.parametrize("tasks", [2, 4])
def test_a_forward_pass_of_columns_costs_no_more_than_its_columns(tasks):
    source = datasets.digits(BATCH, 8, 8).for_tasks(*["digit", "even", "large", "loop"][:tasks])
    images = source.train.batch(slice(0, BATCH))[0]
    with torch.no_grad():
        one = seconds(lambda: models.single_task(models.lenet, source, "digit")(images))
        for name in ("twin columns", "cross-stitch", "NDDR"):
            model = WAYS[name](models.lenet, source).to(memory_format=torch.channels_last).eval()
            taken = seconds(lambda model=model: model(images))
            print(f"\n{name}, {tasks} tasks: {taken / (tasks * one):.2f} × the single networks' forward passes")
            assert list(model(images)) == [task.name for task in source.tasks]
