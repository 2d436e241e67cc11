"""Pareto manifold learning: one training, and afterwards a model for every preference among the tasks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call

from mtl_utils.models.base import MultiTaskModel, Part

Preference = dict[str, float]


class ParetoManifold(MultiTaskModel):
    """A set of end-point weights for each task; a preference α on the simplex uses the weights Σ α_i·θ_i.

    Dimitriadis, Frossard & Fleuret, "Pareto manifold learning" (ICML 2023). In training mode each forward pass draws a new α,
    and the losses are to be weighted by the same α: train it with `balancing.PreferenceSum`, on a split (validation would
    measure wherever the last draw was). In evaluation mode the model is the one of its `preference`. Moving along the front
    costs one mixture of weights, and no training.

    Deviations: one draw per step, as in the paper's first form (its regularization by several draws is left out); models with
    batch norm are refused, since one running mean cannot fit all positions.

    Args:
        end_points: for each task a model with the same architecture, which all have exactly these tasks.
        concentration: of the Dirichlet distribution that α is drawn from in training; 1 is uniform, below 1 favours the ends.

    Attributes:
        preference: α now in use, one number per task, with sum 1; assign a dictionary to move.
    """

    def __init__(self, end_points: Mapping[str, MultiTaskModel], *, concentration: float = 1.0) -> None:
        super().__init__(tuple(end_points))
        if not 0 < concentration < math.inf:
            raise ValueError(f"the concentration must be above zero and finite, not {concentration!r}")
        _check_end_points(end_points)
        self.end_points = nn.ModuleDict(dict(end_points))
        self._concentration = concentration
        self._preference = dict.fromkeys(self.task_names, 1 / len(self.task_names))

    @property
    def preference(self) -> Preference:
        """The preference now in use."""
        return dict(self._preference)

    @preference.setter
    def preference(self, preference: Mapping[str, float]) -> None:
        self._preference = checked_preference(preference, self.task_names)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        if self.training:
            share = torch.full((len(self.task_names),), self._concentration)
            drawn = torch.distributions.Dirichlet(share, validate_args=False).sample().tolist()
            self._preference = dict(zip(self.task_names, drawn, strict=True))
        first = next(iter(self.end_points.values()))
        outputs: dict[str, Tensor] = functional_call(first, self._mixture(), (images,))
        return {name: outputs[name] for name in self.task_names}

    def parts(self) -> list[Part]:
        return [
            Part(f"{part.name} at the end point of {name}", part.tasks, part.module, part.level)
            for name, model in self.end_points.items()
            for part in model.parts()  # type: ignore[operator]
        ]

    def _mixture(self) -> dict[str, Tensor]:
        """Σ α_i·θ_i, for each parameter."""
        sets = [dict(model.named_parameters()) for model in self.end_points.values()]
        shares = [self._preference[name] for name in self.task_names]
        return {name: sum(share * each[name] for share, each in zip(shares, sets, strict=True)) for name in sets[0]}  # type: ignore[misc]


def pareto_manifold(
    make_model: Callable[[int], MultiTaskModel], *, seed: int = 0, concentration: float = 1.0
) -> ParetoManifold:
    """An untrained Pareto manifold with one end point per task of the models that `make_model` makes.

    Args:
        make_model: makes an untrained model from a seed, such as `lambda seed: hard_sharing(lenet, data, seed=seed)`.
        seed: of the first end point; the others get the numbers after it, so that the end points differ.
        concentration: see `ParetoManifold`.

    Example:
        >>> from mtl_utils import datasets, models
        >>> pairs = datasets.multi_mnist(60, 20, 20)
        >>> model = pareto_manifold(lambda seed: models.hard_sharing(models.lenet, pairs, seed=seed))
        >>> model.preference = {'left': 0.8, 'right': 0.2}  # after training: answers from here on are for this trade-off
        >>> sorted(model(pairs.test.batch(slice(0, 2))[0]))
        ['left', 'right']
    """
    first = make_model(seed)
    names = first.task_names
    rest = [make_model(seed + number) for number in range(1, len(names))]
    return ParetoManifold(dict(zip(names, [first, *rest], strict=True)), concentration=concentration)


def checked_preference(preference: Mapping[str, float], task_names: tuple[str, ...]) -> Preference:
    """The preference divided by its sum; a `ValueError` if it names other tasks, or is negative, not finite or all zero."""
    if set(preference) != set(task_names):
        raise ValueError(f"a preference needs one number for each of the tasks {list(task_names)}, not for {list(preference)}")
    for name, share in preference.items():
        if not math.isfinite(share) or share < 0:
            raise ValueError(f"task '{name}': a preference must be a finite number, zero or more, not {share!r}")
    total = sum(preference.values())
    if total == 0:
        raise ValueError("at least one preference must be above zero, all are zero")
    if not math.isfinite(total):
        raise ValueError(f"preferences are too large to be added: {dict(preference)}; only their ratios count, so divide them")
    return {name: preference[name] / total for name in task_names}


def _check_end_points(end_points: Mapping[str, MultiTaskModel]) -> None:
    if len(end_points) < 2:
        raise ValueError(f"a Pareto manifold needs an end point for each of two tasks or more, not for {list(end_points)}")
    first_name, first = next(iter(end_points.items()))
    shapes = {name: tuple(parameter.shape) for name, parameter in first.named_parameters()}
    for name, model in end_points.items():
        where = f"the end point for task '{name}'"
        if set(model.task_names) != set(end_points):
            raise ValueError(f"{where} has heads for {list(model.task_names)}; it needs one for each of {list(end_points)}")
        own = {each: tuple(parameter.shape) for each, parameter in model.named_parameters()}
        for each in (*shapes, *own):
            if shapes.get(each) != own.get(each):
                raise ValueError(
                    f"{where} does not match the one for '{first_name}': '{each}' has shape {own.get(each, 'none')} here and "
                    f"{shapes.get(each, 'none')} there; all end points need the same architecture"
                )
        if any(True for _ in model.buffers()):
            raise ValueError(
                f"{where} has buffers (such as the running mean of batch norm), which cannot be right for every preference; "
                "take a network without them, such as lenet"
            )
    if len({id(model) for model in end_points.values()}) < len(end_points):
        raise ValueError("each task needs an end point of its own; the same model was given for two tasks")
