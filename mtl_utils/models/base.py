"""What every multi-task model is: images in, one output per task out, and a list of parts that says what is shared."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from torch import Tensor, nn

from mtl_utils.tasks import Task


class Part(NamedTuple):
    """A part of a model with the tasks whose outputs depend on it.

    Attributes:
        name: such as `encoder.conv1` or `head of left`.
        tasks: names of the tasks that use it; two or more mean that it is shared.
        module: its parameters; single ones are put into an `nn.ParameterList`.
        level: its place on the way from the image (0) to the outputs, for pictures.
    """

    name: str
    tasks: tuple[str, ...]
    module: nn.Module
    level: int

    @property
    def size(self) -> int:
        """Number of parameters."""
        return sum(parameter.numel() for parameter in self.module.parameters())


class Outputs(dict[str, Tensor]):
    """Every task's output, and, for a model that answers twice, the answers that it gave first.

    Args:
        outputs: for each task its output; what is measured.
        first: for some tasks an earlier answer, in the same shape. In training a task's loss is the mean of the losses of both
            (deep supervision: Lee et al., AISTATS 2015).

    Example:
        >>> import torch
        >>> outputs = Outputs({'depth': torch.tensor([2.0])}, first={'depth': torch.tensor([1.5])})
        >>> outputs['depth'].item(), outputs.first['depth'].item()
        (2.0, 1.5)
    """

    def __init__(self, outputs: Mapping[str, Tensor], *, first: Mapping[str, Tensor] | None = None) -> None:
        super().__init__(outputs)
        self.first = dict(first or {})


class HasTasks(Protocol):
    """Anything with tasks and an image shape: a data set or a split."""

    @property
    def tasks(self) -> Sequence[Task]: ...
    @property
    def image_shape(self) -> tuple[int, int, int]: ...


def check_data(data: HasTasks) -> HasTasks:
    """The data themselves; a `ValueError` in words unless they say which tasks they have and how large their images are."""
    if isinstance(data, Tensor) or not hasattr(data, "tasks") or not hasattr(data, "image_shape"):
        what = f"a tensor of shape {tuple(data.shape)}" if isinstance(data, Tensor) else f"a {type(data).__name__}"
        raise ValueError(
            f"a model is made for a data set or a split, which say what the tasks are and how large images are, not {what}: "
            "datasets.MultiTaskDataset(images, targets, tasks) makes a split of tensors"
        )
    return data


class _CheckedWhenBuilt(ABCMeta):
    """Checks a model's `parts` as soon as its `__init__` is through, whatever class it is of."""

    def __call__(cls, *arguments: Any, **named: Any) -> Any:
        model = super().__call__(*arguments, **named)
        check_parts(model)
        return model


class MultiTaskModel(nn.Module, metaclass=_CheckedWhenBuilt):
    """A model whose `forward(images)` returns `{task name: output}`.

    A way of sharing lists its `parts`; which parameters are shared follows from that list and is written nowhere else. The list
    is checked when a model is built.

    Args:
        task_names: names of the tasks, in order.

    Example:
        >>> class OneLayer(MultiTaskModel):
        ...     def __init__(self):
        ...         super().__init__(['left', 'right'])
        ...         self.layer = nn.Linear(784, 20)
        ...     def forward(self, images):
        ...         return dict(zip(self.task_names, self.layer(images.flatten(1)).split(10, 1)))
        ...     def parts(self):
        ...         return [Part('layer', self.task_names, self.layer, level=0)]
        >>> len(OneLayer().shared_parameters())  # its weight and its bias
        2
    """

    def __init__(self, task_names: Sequence[str]) -> None:
        super().__init__()
        if not task_names:
            raise ValueError("a model needs at least one task, none was given")
        self.task_names = tuple(task_names)

    @abstractmethod
    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Outputs of all tasks for images `[N, C, H, W]`."""

    @abstractmethod
    def parts(self) -> list[Part]:
        """Every part once, in the order of `level`. Together the parts hold every parameter exactly once."""

    def shared_parameters(self) -> list[nn.Parameter]:
        """Parameters that two or more tasks use, frozen ones included. Empty for one task alone.

        What is frozen is shared, too, but has no gradient: balancers take those with `requires_grad` only.
        """
        return [parameter for part in self.parts() if len(part.tasks) > 1 for parameter in part.module.parameters()]

    def task_parameters(self, name: str) -> list[nn.Parameter]:
        """Parameters that this task alone uses."""
        self.check_task(name)
        return [parameter for part in self.parts() if part.tasks == (name,) for parameter in part.module.parameters()]

    def parameter_groups(self) -> list[dict[str, Any]]:
        """All parameters in groups for an optimizer, as PyTorch takes them.

        A model whose parts need another step size overrides this: `learning_rate_factor` in a group multiplies the learning
        rate, whatever it is (`train` sees to it; a schedule that sets absolute rates, such as OneCycleLR, takes it back).
        """
        return [{"params": list(self.parameters())}]

    def check_task(self, name: str) -> None:
        """Raise a `ValueError` in words if the model does not know the task."""
        if name not in self.task_names:
            raise ValueError(f"this model has no task '{name}'; its tasks are {list(self.task_names)}")


def check_parts(model: MultiTaskModel) -> None:
    """Raise a `ValueError` in words unless the model's parts hold every parameter exactly once, and know its tasks only."""
    holders: dict[int, str] = {}
    for part in model.parts():
        if not isinstance(part.tasks, tuple):  # a list never equals `(name,)`, so the part would belong to no task alone
            raise ValueError(f"part '{part.name}': tasks must be a tuple of names, such as ('left',), not {part.tasks!r}")
        if not isinstance(part.module, nn.Module):
            raise ValueError(
                f"part '{part.name}': module must be an nn.Module, not a {type(part.module).__name__}; "
                "put single parameters into an nn.ParameterList"
            )
        if unknown := [name for name in part.tasks if name not in model.task_names]:
            raise ValueError(
                f"part '{part.name}' is used by task '{unknown[0]}'; the model's tasks are {list(model.task_names)}"
            )
        for parameter in part.module.parameters():
            if id(parameter) in holders:
                raise ValueError(
                    f"'{holders[id(parameter)]}' and '{part.name}' hold the same parameter, but are different parts: "
                    "make a new module for each (an encoder factory must not return the same encoder twice)"
                )
            holders[id(parameter)] = part.name
    for name, parameter in model.named_parameters():
        if id(parameter) not in holders:
            raise ValueError(f"no part of this {type(model).__name__} holds its parameter '{name}': list it in `parts()`")


def count_parameters(module: nn.Module) -> int:
    """Number of parameters of a module, each counted once.

    Examples:
        >>> count_parameters(nn.Linear(3, 2))
        8
    """
    return sum(parameter.numel() for parameter in module.parameters())
