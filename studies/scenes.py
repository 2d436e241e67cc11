"""The price of one network for four tasks on moving scenes, part by part: what it gains, what it costs.

    python studies/scenes.py            # about an hour on one core; finished runs are in scenes.csv and not made again
    python studies/scenes.py --tune     # first, and once: which constant weights, chosen on validation with other seeds

One row per way, seed and measure. All ways see the same pairs of frames, equally often: every frame has every label, each
network makes as many updates in batches of the same size, and the last weights are taken (the learning rate ends at zero).
The weights of all ways but the plain sum were chosen on validation among seven settings, in runs of 600 steps, with two seeds
that the study does not use. Networks for one task have no weights to tune. "Single networks" are four, one for each task;
boxes, masks and motion are put together from all four.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from torch.optim.lr_scheduler import OneCycleLR

from mtl_utils import datasets, evaluate, fit, models, predict, tracking
from mtl_utils.balancing import WeightedSum
from mtl_utils.datasets import Detection, MovingScenes, Scenes, Splits
from mtl_utils.datasets.moving_scenes.average_precision import AveragePrecision
from mtl_utils.datasets.moving_scenes.boxes import Detections
from mtl_utils.measures import delta_m
from mtl_utils.models import SceneNetwork, scene_network
from mtl_utils.randomness import generator

STEPS, TUNING_STEPS, BATCH, RATE, SIZE = 900, 600, 32, 4e-3, 48
TASKS = ("detection", "segmentation", "depth", "tracking")
SEEDS, TUNING_SEEDS = range(5), (100, 101)
SUM = dict.fromkeys(TASKS, 1.0)
SETTINGS = (  # of the weights of detection, segmentation, depth and tracking; the first is the plain sum
    (1.0, 1.0, 1.0, 1.0),
    (1.0, 4.0, 1.0, 1.0),
    (1.0, 8.0, 1.0, 0.5),
    (0.5, 4.0, 1.0, 1.0),
    (1.0, 8.0, 1.0, 1.0),
    (1.0, 8.0, 1.0, 2.0),
    (1.0, 16.0, 2.0, 2.0),
)
RULES = {
    "nearest": {"by_displacement": False, "by_class": False, "memory": 0},
    "+ displacement": {"by_class": False, "memory": 0},
    "+ memory": {"by_class": False},
    "+ class": {},
    "memory, no displacement": {"by_displacement": False, "by_class": False},
}
THOROUGH, PICTURES = ("single networks", "shared"), 20  # integration is measured on so many of the test videos
SHUFFLED = "detection of other frames"  # a task that costs as much as detection, and teaches nothing
SINGLE, SHORT = "single networks", "shared, a third of the steps"  # the short one is quick enough for the notebook
WHOLE = "+ memory"  # the rules that all ways are linked with
FILE = Path(__file__).with_suffix(".csv")
TUNING_FILE = Path(__file__).with_name("scenes_tuning.csv")


def scenes_of(seed: int) -> MovingScenes:
    """The videos of one seed."""
    return datasets.moving_scenes(300, 40, 40, source="FashionMNIST", size=SIZE, seed=seed)


def train(
    data: Splits,
    tasks: tuple[str, ...],
    weights: dict[str, float],
    seed: int,
    *,
    steps: int = STEPS,
    shuffled: str = "",
    **switches: Any,
) -> SceneNetwork:
    """A network for some of the tasks, trained with constant weights; the task `shuffled` gets the targets of other frames."""
    some = data.for_tasks(*tasks)
    model = scene_network(some, seed=seed, **switches)
    split = some.train
    if shuffled:
        order = torch.randperm(len(split), generator=generator(seed))
        split = split.with_targets(**{shuffled: split.targets[shuffled][order]})
    fit(
        model, split, steps=steps, batch_size=BATCH, seed=seed, progress=False,
        optimizer=lambda groups: torch.optim.AdamW(groups, lr=RATE, weight_decay=1e-4),
        schedule=lambda optimizer: OneCycleLR(optimizer, RATE, total_steps=steps),
        balancer=WeightedSum({name: weights[name] for name in tasks}),
    )  # fmt: skip
    return model


def measures(models_: Sequence[SceneNetwork], data: Splits, scenes: Scenes, *, thorough: bool) -> dict[str, float]:
    """Everything that is measured on the test videos, as far as there are heads for it.

    Args:
        models_: one trained network, or several that share the tasks among them.
        data, scenes: what it is measured on, and the test videos themselves.
        thorough: whether to try every rule of linking and of integration, too.
    """
    outputs, found, costs = {}, {}, {"milliseconds": 0.0, "parameters": 0.0}
    for model in models_:
        some = data.test.for_tasks(*model.task_names)
        outputs |= predict(model, some)
        costs["milliseconds"] += milliseconds(model, some)
        costs["parameters"] += models.count_parameters(model)
    for task in (task for task in data.tasks if task.name in outputs):
        metric = task.metric()
        task.update_metric(metric, outputs[task.name], data.test.targets[task.name])
        found[task.name] = float(metric.compute())
    if "tracking" in found:
        found["tracking"] = displacement_error(outputs["tracking"], data.test.targets["tracking"])
    if "detection" in found:
        found |= of_boxes(outputs, data.test, scenes, thorough=thorough)
    return found | costs


def displacement_error(said: torch.Tensor, true: torch.Tensor) -> float:
    """Mean distance of predicted and true displacement `[N, 2, gh, gw]`, in pixels, at the true centers."""
    return float((said - true).norm(dim=1).nanmean())


def of_boxes(
    outputs: dict[str, torch.Tensor], split: datasets.MultiTaskDataset, scenes: Scenes, *, thorough: bool
) -> dict[str, float]:
    """Average precision in other ways, tracks by more and more rules, and what integration does to boxes and masks."""
    task = split.task("detection")
    assert isinstance(task, Detection)
    found = {}
    metric = AveragePrecision(task, by_class=False)
    metric.update(outputs["detection"], split.targets["detection"])
    found["AP50 any class"] = float(metric.compute())
    # One box for an object whose class the network is unsure of, not one for each class that it may have.
    boxes = task.boxes(outputs["detection"], exclusive=True)
    frames = scenes.frame_count
    true = [tracking.true_frames(scenes, video) for video in range(len(scenes))]
    videos = [slice(video * frames, (video + 1) * frames) for video in range(len(scenes))]
    tracked = []
    for rule, switches in RULES.items() if thorough else [(WHOLE, RULES[WHOLE])]:
        if switches.get("by_displacement", True) and "tracking" not in outputs:
            continue
        tracked = []
        for video in videos:
            moved = outputs["tracking"][video] if switches.get("by_displacement", True) else None
            tracked.append(tracking.tracked_frames(boxes[video], tracking.link(boxes[video], moved, **switches)))
        found |= {f"{name}, {rule}": value for name, value in tracks_of(true, tracked).items()}
    if thorough:
        few = PICTURES * frames
        for step, whole in integrated(boxes[:few], outputs, frames).items():
            found |= {f"{name}, {step}": value for name, value in pictures_of(true[:PICTURES], whole, scenes).items()}
            found |= {f"{name}, {step}": value for name, value in tracks_of(true[:PICTURES], whole).items()}
    return found


def integrated(
    boxes: list[Detections], outputs: dict[str, torch.Tensor], frames: int
) -> dict[str, list[list[tracking.TrackedFrame]]]:
    """All videos after each step of integration, each step on top of those before."""
    steps: dict[str, list[list[tracking.TrackedFrame]]] = {}
    for start in range(0, len(boxes), frames):
        here = slice(start, start + frames)
        numbers = tracking.link(boxes[here], outputs["tracking"][here], **RULES[WHOLE])
        linked = tracking.tracked_frames(boxes[here], numbers)
        voted = tracking.vote_classes(linked)
        lasting = tracking.drop_short(voted)
        filled = tracking.fill_gaps(lasting)
        raw = {"by_class": False, "by_depth": False, "tighten": False}
        for step, tracked, switches in (
            ("linked", linked, raw),
            ("+ one class per track", voted, raw),
            ("+ short tracks dropped", lasting, raw),
            ("+ gaps filled", filled, raw),
            ("+ masks by class and depth", filled, {"tighten": False}),
            ("+ boxes tightened", filled, {}),
        ):
            whole = tracking.integrate(tracked, outputs["segmentation"][here], outputs["depth"][here], **switches)
            steps.setdefault(step, []).append(whole)
    return steps


def tracks_of(true: list[list[tracking.TrackedFrame]], found: list[list[tracking.TrackedFrame]]) -> dict[str, float]:
    """What motmetrics says about identities."""
    measured = tracking.measure_tracks(true, found)
    return {"IDF1": measured.idf1, "MOTA": measured.mota, "switches": float(measured.switches)}


def pictures_of(
    true: list[list[tracking.TrackedFrame]], found: list[list[tracking.TrackedFrame]], scenes: Scenes
) -> dict[str, float]:
    """Panoptic quality, agreement of boxes with masks, and mean IoU if each pixel takes its object's class."""
    from torchmetrics.classification import MulticlassJaccardIndex

    overlap = MulticlassJaccardIndex(len(scenes.class_names) + 1)
    for video, frames in enumerate(found):
        for time_, frame in enumerate(frames):
            classes = torch.cat([torch.zeros(1, dtype=torch.int64), frame.classes + 1])[frame.instances]
            overlap.update(classes, scenes.class_maps[video, time_].long())
    return {
        "PQ": tracking.panoptic_quality(true, found),
        "agreement": tracking.box_mask_agreement(found),
        "mIoU of objects": float(overlap.compute()),
    }


def milliseconds(model: SceneNetwork, split: datasets.MultiTaskDataset) -> float:
    """Forward pass per frame in batches of 32, on one thread: the fastest of ten."""
    images, _ = split.batch(slice(0, 32))
    times = []
    model.eval()
    with torch.inference_mode():
        for _ in range(10):
            started = time.perf_counter()
            model(images)
            times.append(time.perf_counter() - started)
    return 1000 * min(times) / len(images)


def ways() -> dict[str, tuple[tuple[str, ...], dict[str, float], dict[str, Any]]]:
    """For each way its tasks, weights and what it switches. The wider network is as large as the one with fusion: a control."""
    tuned = tuned_weights()
    return {
        SINGLE: (TASKS, SUM, {}),
        "shared, summed": (TASKS, SUM, {}),
        "shared": (TASKS, tuned, {}),
        SHORT: (TASKS, tuned, {"steps": STEPS // 3}),
        "+ enhancement": (TASKS, tuned, {"enhancement": True}),
        "+ fusion": (TASKS, tuned, {"fusion": True}),
        **{f"without {name}": (tuple(each for each in TASKS if each != name), tuned, {}) for name in TASKS},
        SHUFFLED: (TASKS, tuned, {"shuffled": "detection"}),
        "wider": (TASKS, tuned, {"width": 51, "hidden": 51}),
    }


def tuned_weights() -> dict[str, float]:
    """The setting with the highest Δm on validation, mean over the seeds."""
    gains: dict[tuple[float, ...], list[float]] = {}
    with TUNING_FILE.open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            gains.setdefault(tuple(float(row[name]) for name in TASKS), []).append(float(row["delta_m"]))
    return dict(zip(TASKS, max(gains, key=lambda setting: fmean(gains[setting])), strict=True))


def add(file: Path, rows: list[dict[str, object]]) -> None:
    """Append rows, so that nothing finished is lost."""
    new = not file.exists()
    with file.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerows(rows)


def done(file: Path) -> set[tuple[str, str]]:
    """The runs that the file has."""
    if not file.exists():
        return set()
    with file.open(encoding="utf-8") as stream:
        return {(row["way"], row["seed"]) for row in csv.DictReader(stream)}


def study() -> None:
    """All ways with each seed; first those of the price table, one seed after the other, then the rest."""
    there = done(FILE)
    plan = ways()
    rest = ["wider", SHUFFLED, *(name for name in plan if name.startswith("without"))]
    table = [name for name in plan if name not in rest]
    for names, seed in itertools.product((table, rest), SEEDS):
        to_do = [name for name in names if (name, str(seed)) not in there]
        if not to_do:
            continue
        scenes = scenes_of(seed)
        data = scenes.pairs()
        for name in to_do:
            tasks, weights, switches = plan[name]
            started = time.perf_counter()
            groups = [(task,) for task in tasks] if name == SINGLE else [tasks]
            trained = [train(data, group, weights, seed, **switches) for group in groups]
            seconds = time.perf_counter() - started
            found = measures(trained, data, scenes.test, thorough=name in THOROUGH) | {"seconds": seconds}
            add(FILE, [{"way": name, "seed": seed, "measure": key, "value": f"{value:.5g}"} for key, value in found.items()])


def tune() -> None:
    """Validation of the settings of the weights, each with its Δm over the plain sum of the same seed."""
    for seed in TUNING_SEEDS:
        data = scenes_of(seed).pairs()
        better = {task.name: task.higher_is_better for task in data.tasks}
        baseline = None
        for setting in SETTINGS:
            weights = dict(zip(TASKS, setting, strict=True))
            model = train(data, TASKS, weights, seed, steps=TUNING_STEPS)
            metrics = evaluate(model, data.val).metrics
            baseline = baseline or metrics
            add(TUNING_FILE, [{"seed": seed, **weights, **{f"{k} metric": f"{v:.4g}" for k, v in metrics.items()},
                               "delta_m": f"{delta_m(metrics, baseline, better):.2f}"}])  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tune", action="store_true", help="choose the weights on validation")
    tune() if parser.parse_args().tune else study()
