"""Drives the training loop to its end, with a progress bar."""

from __future__ import annotations

from typing import Any

from torch import nn

from mtl_utils.data.split import check_positive
from mtl_utils.history import History
from mtl_utils.training.arguments import check_length
from mtl_utils.training.batch_stream import Data, steps_per_epoch
from mtl_utils.training.loop import train


def fit(model: nn.Module, data: Data, *, progress: bool = True, **arguments: Any) -> History:
    """Train to the end, with a progress bar, and return the history. See `train` for all other arguments.

    An interruption (Ctrl-C, or Jupyter's stop button) ends the training and nothing else: the model is usable and the history
    so far is returned.
    """
    from tqdm.auto import tqdm

    history = arguments.pop("history", None)
    history = History() if history is None else history
    run = train(model, data, history=history, **arguments)
    total, epochs = arguments.get("steps"), arguments.get("epochs")
    check_length(epochs, total)
    if epochs is not None and progress:
        per_epoch = steps_per_epoch(
            data, arguments.get("tasks"), check_positive("batch size", arguments.get("batch_size", 256))
        )
        total = epochs * per_epoch if per_epoch else None
    # A bar that only shows after a second, and goes away, leaves notebooks quiet.
    with tqdm(total=total, unit="step", disable=not progress, delay=1, leave=False) as bar:
        try:
            for step in run:
                bar.update()
                if step.validation is not None:
                    bar.set_postfix({name: f"{value:.3f}" for name, value in step.validation.metrics.items()}, refresh=False)
        except KeyboardInterrupt:
            pass
        finally:
            run.close()  # type: ignore[attr-defined]
    return history
