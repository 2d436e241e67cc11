"""Keeps a copy of the weights with the best validation so far."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor, nn

from mtl_utils.evaluation import Evaluation
from mtl_utils.tasks import Task
from mtl_utils.training.choosing import Chooser


class BestWeights:
    """The best weights of one run.

    Args:
        choose: says how good a validation is, given the first one; higher is better.
        tasks: the tasks validated.

    Attributes:
        weights: a copy of the best model's state; `None` before the first validation.
        without_progress: validations in a row that brought nothing better.
    """

    def __init__(self, choose: Chooser, tasks: Sequence[Task]) -> None:
        self._choose, self._tasks = choose, tasks
        self._first: Evaluation | None = None
        self._score = -math.inf
        self.weights: dict[str, Tensor] | None = None
        self.without_progress = 0

    def consider(self, validation: Evaluation, model: nn.Module) -> bool:
        """Whether this validation is the best so far; if so, the model's weights are kept.

        Raises:
            ValueError: if `choose` gives anything but a number.
        """
        self._first = self._first if self._first is not None else validation
        score = self._choose(validation, self._first, self._tasks)
        try:
            score = float(score)
        except (TypeError, ValueError):
            raise ValueError(f"`choose` must return a number, not {score!r}") from None
        if math.isnan(score):  # no other score would ever be better
            raise ValueError(
                "the validation's score is not a number: a task that `choose` looks at has no label in the validation split "
                "(or the batches could be read only once)"
            )
        if score > self._score:
            self._score, self.without_progress = score, 0
            self.weights = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
            return True
        self.without_progress += 1
        return False
