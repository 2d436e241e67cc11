"""The present state of a lab as sentences, for those who cannot see the picture, and for everybody else."""

from __future__ import annotations

from collections.abc import Sequence

from mtl_utils.analysis.pull import Pull
from mtl_utils.lab.views.scales import in_words, plain
from mtl_utils.tasks import Task
from mtl_utils.training.history import History


def progress(state: str, history: History, steps: int, seed: int) -> str:
    """How far the run is, such as "Playing, step 120 of 600 (epoch 4), seed 0."."""
    number = len(history.steps)
    epoch = f" (epoch {history.steps[-1].epoch})" if number else ""
    return f"{state.capitalize()}, step {number} of {steps}{epoch}, seed {seed}."


def weights(in_force: dict[str, float]) -> str:
    """The loss weights, such as "Weights: left 0.5, right 0.5."."""
    return f"Weights: {', '.join(f'{name} {plain(weight)}' for name, weight in in_force.items())}."


def validation(history: History, tasks: Sequence[Task]) -> str:
    """The latest validation of each task."""
    validated = history.validations
    if not validated or validated[-1].validation is None:
        return "Not validated yet."
    metrics = validated[-1].validation.metrics
    parts = [f"{task.name} {in_words(task, metrics[task.name])} ({task.metric_name})" for task in tasks]
    return f"On validation: {', '.join(parts)}."


def pull(measured: Pull, weights: dict[str, float]) -> str:
    """Which task pulls hardest on the shared parameters, and whether tasks agree."""
    pulls = {name: norm * weights.get(name, 0.0) for name, norm in measured.norms.items()}
    if len(pulls) < 2:
        return ""
    ordered = sorted(pulls, key=lambda name: pulls[name], reverse=True)
    first, last = ordered[0], ordered[-1]
    if pulls[last] == 0:
        sentence = f"Task {last} does not pull on the shared part at all."
    elif (times := plain(pulls[first] / pulls[last], 2)) == "1":
        sentence = f"The weighted gradients of {first} and {last} are equally long."
    else:
        sentence = f"The weighted gradient of {first} is {times} times as long as that of {last}."
    # With more than two tasks only the pair that agrees least: six pairs would be a page.
    pair, cosine = min(measured.cosines.items(), key=lambda item: item[1])
    meaning = "they agree" if cosine > 0.1 else "they conflict" if cosine < -0.1 else "nearly at right angles"
    return f"{sentence} Gradient cosine of {pair[0]} and {pair[1]}: {cosine:+.2f} ({meaning})."
