"""One training run that can be advanced step by step, begun again, and that says in words what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

from torch import nn

from mtl_utils._checks import is_whole
from mtl_utils.balancing import Balancer
from mtl_utils.datasets.batches import Data
from mtl_utils.experiments.way import ModelFactory, check_factory
from mtl_utils.models.forward import check_model_has_tasks
from mtl_utils.tasks import Task
from mtl_utils.training import train
from mtl_utils.training.arguments import check_length
from mtl_utils.training.history import History, Step

HIGHEST_SEED = 10**6


class LiveRun:
    """Drives the library's one training loop, `mtl_utils.training.train`, a step at a time.

    Args:
        make_model: makes an untrained model from a seed; called again at every restart.
        data: what `train` takes.
        tasks: the tasks.
        balancer: the same object for all restarts, so that its weights stay.
        steps: length of a run; `extend` makes the present one longer.
        seed: of the first run.
        arguments: what else `train` takes (optimizer, batch size, how often to validate …).

    Attributes:
        model, history: of the present run. The model has the weights of the latest step. `close` and `restart` put back the
            weights that were best on validation, as `train` does at its end.
        steps: how long the present run is.
        problem, error: why training had to stop, in words and as it was raised; empty if it did not.

    Raises:
        Exception: what `make_model` raises; a `ValueError` in words if its model or the seed will not do.
    """

    def __init__(
        self,
        make_model: ModelFactory,
        data: Data,
        tasks: Sequence[Task],
        balancer: Balancer,
        *,
        steps: int,
        seed: int,
        arguments: dict[str, Any],
    ) -> None:
        check_factory(make_model)
        self._make_model, self._data, self._tasks = make_model, data, tasks
        self.balancer, self.length, self._arguments = balancer, steps, arguments
        self._loop: Generator[Step, int | None, None] | None = None
        self.error: BaseException | None = None
        self._begin(check_seed(seed))

    def restart(self, seed: int) -> None:
        """Throw the model away and begin with a new one. If there is none, `problem` says why; the next restart tries again."""
        self.close()
        try:
            self._begin(seed)
        except (Exception, KeyboardInterrupt) as error:  # a factory of one's own may raise anything
            self.problem, self.error = f"no new model: {str(error) or type(error).__name__}", error

    def _begin(self, seed: int) -> None:
        self.seed, self.history, self.problem, self.error = seed, History(), "", None
        self.steps, self._more = self.length, False
        model = self._make_model(seed)
        if not isinstance(model, nn.Module):
            raise ValueError(f"make_model(seed) must return a PyTorch module, not {type(model).__name__}")
        check_model_has_tasks(model, self._tasks)
        self.model = model
        self._loop = train(
            model,
            self._data,
            steps=self.length,
            tasks=self._tasks,
            balancer=self.balancer,
            seed=seed,
            history=self.history,
            **self._arguments,
        )

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do: all steps are done, or a problem stopped the run."""
        return self._loop is None or len(self.history.steps) >= self.steps

    @property
    def can_go_on(self) -> bool:
        """Whether `extend` would make this run longer: it was not stopped by a problem or by `patience`."""
        return self._loop is not None

    def extend(self, steps: int) -> None:
        """Make the present run longer by so many steps. Nothing of it begins anew.

        Raises:
            ValueError: if the run was stopped by a problem, or by `patience`.
        """
        if self._loop is None:
            raise ValueError(f"this run cannot go on: {self.problem or self.history.stopped}; reset begins a new one")
        check_length(None, steps)
        self.steps += steps
        self._more = True

    def advance(self, measure: Callable[[], object] | None = None) -> bool:
        """One step. Returns whether there is another one to do; an error ends the run and is put into `problem`.

        The loop waits after its last step, so that the run can be made longer.

        Args:
            measure: looks at the model right after the step.
        """
        if self._loop is None or self.finished:
            return False
        try:
            done = len(self.history.steps)
            if self._more and done:  # `send` needs a generator that has begun
                self._more = False
                self._loop.send(self.steps - done)
            else:
                next(self._loop)
            if measure is not None:
                measure()
        except StopIteration:
            self._loop = None
        except KeyboardInterrupt as error:
            self._stop("interrupted from the keyboard", error)
        except Exception as error:  # whatever a model or data of one's own may raise is shown, and swallowed nowhere
            self._stop(str(error) or type(error).__name__, error)
        return not self.finished

    def _stop(self, problem: str, error: BaseException) -> None:
        self.close()  # where measuring failed, the loop itself does not know
        self.problem, self.error = problem, error

    def close(self) -> None:
        """End the run; the model stays usable."""
        if self._loop is not None:
            self._loop.close()
            self._loop = None


def check_seed(seed: int) -> int:
    """The seed itself; a `ValueError` in words if it is none that the lab's field for it can show."""
    if not is_whole(seed) or not 0 <= seed <= HIGHEST_SEED:
        raise ValueError(f"a seed must be a whole number from 0 to {HIGHEST_SEED:,}, not {seed!r}")
    return int(seed)
