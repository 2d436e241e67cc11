"""What happened in a training run: losses and weights of every step, validations, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mtl_utils.evaluation import Evaluation

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Step:
    """One update, as the training loop yields it.

    Attributes:
        number: 1 for the first update.
        epoch: pass over the training data, from 1.
        losses: training loss of each task in this batch, before the update; `nan` for a task without labels in it.
        weights: effective weight of each task, as its balancer says; `nan` where there is none.
        validation: the evaluation on the validation split, if one was made after this update.
    """

    number: int
    epoch: int
    losses: dict[str, float]
    weights: dict[str, float]
    validation: Evaluation | None = None


@dataclass
class History:
    """A record of a run, also of one that was interrupted.

    Attributes:
        steps: every update in order.
        stopped: why the run ended, in words.
        best_step: the update whose weights were best on validation, and are in the model now; `None` without validation.
        seconds: time spent on updates and validations.
    """

    steps: list[Step] = field(default_factory=list)
    stopped: str = "not finished"
    best_step: int | None = None
    seconds: float = 0.0

    @property
    def tasks(self) -> list[str]:
        """Names of the tasks."""
        return list(self.steps[0].losses) if self.steps else []

    @property
    def validations(self) -> list[Step]:
        """The steps after which the model was validated."""
        return [step for step in self.steps if step.validation is not None]

    @property
    def best(self) -> Evaluation:
        """The validation at `best_step`."""
        for step in self.steps:
            if step.number == self.best_step and step.validation is not None:
                return step.validation
        if self.validations:
            raise ValueError("no validation of this run was chosen as the best: `choose` gave minus infinity for all of them")
        raise ValueError("this run was never validated, so there is no best step")

    def table(self) -> pd.DataFrame:
        """One row per step: `epoch`, and `loss TASK` and `weight TASK` for each task."""
        import pandas as pd

        rows = [
            {"step": step.number, "epoch": step.epoch}
            | {f"loss {name}": value for name, value in step.losses.items()}
            | {f"weight {name}": value for name, value in step.weights.items()}
            for step in self.steps
        ]
        return pd.DataFrame(rows).set_index("step") if rows else pd.DataFrame()

    def validation_table(self) -> pd.DataFrame:
        """One row per validation: `epoch`, and `loss TASK` and `metric TASK` for each task."""
        import pandas as pd

        rows = []
        for step in self.validations:
            assert step.validation is not None
            rows.append(
                {"step": step.number, "epoch": step.epoch}
                | {f"loss {name}": value for name, value in step.validation.losses.items()}
                | {f"metric {name}": value for name, value in step.validation.metrics.items()}
            )
        return pd.DataFrame(rows).set_index("step") if rows else pd.DataFrame()

    def __repr__(self) -> str:
        best = "" if self.best_step is None else f", best on validation after step {self.best_step}"
        return f"History({len(self.steps)} steps in {self.seconds:.1f} s, {self.stopped}{best})"
