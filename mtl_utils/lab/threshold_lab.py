"""A slider on the threshold of a yes-or-no task: which images it calls positive, and how many of them rightly."""

from __future__ import annotations

import torch
from torch import Tensor

from mtl_utils.lab.engine import controls
from mtl_utils.lab.engine.panel import Panel
from mtl_utils.lab.views.canvas import WHOLE, Canvas, Part
from mtl_utils.lab.widgets.slider import Slider
from mtl_utils.plotting.thresholds import plot_threshold

_PLACES = 100  # steps of the slider from 0 to 1


class ThresholdLab(Panel):
    """A dot for each image at its probability, and a line that the slider moves. Put it last in a cell to see it.

    Args:
        probability: `[N]`, that the image is positive.
        truth: `bool` `[N]`.
        threshold: where the slider starts, from 0 to 1; images at least as probable are called positive.
        called: what positive means, such as `"stained"`.

    Raises:
        ValueError: in words, if lengths or types do not fit, or the threshold is not from 0 to 1.

    Example:
        >>> import torch
        >>> lab = ThresholdLab(torch.tensor([0.2, 0.6, 0.9]), torch.tensor([False, False, True]), called='stained')
        >>> 'Found 1, missed 0, false alarms 1' in lab.description
        True
        >>> lab.close()
    """

    def __init__(self, probability: Tensor, truth: Tensor, *, threshold: float = 0.5, called: str = "positive") -> None:
        if not 0 <= threshold <= 1:
            raise ValueError(f"the threshold must be from 0 to 1, not {threshold!r}")
        if not bool(((probability >= 0) & (probability <= 1)).all()):  # false for nan, too
            raise ValueError("probabilities must be from 0 to 1; take the softmax or sigmoid of the network's outputs first")
        super().__init__(Canvas(9, 3.0), lines=2)
        self._probability, self._truth, self._called = probability, truth, called
        ax = self._canvas.figure.add_axes((0.12, 0.17, 0.86, 0.71))
        plot_threshold(probability, truth, threshold, ax, title=" ")  # raises in words
        ax.set_yticks([1, 0], [called, f"not {called}"])
        self._line = ax.lines[-1]
        self._counts = ax.text(0.0, 1.05, "", transform=ax.transAxes, fontsize=11)
        self.slider = Slider(
            "threshold", threshold, [place / _PLACES for place in range(_PLACES + 1)], words=lambda value: f"{value:.2f}",
            hint=f"Images at least as probable are called {called}. Arrow keys work, too.",
        )  # fmt: skip
        self.slider.observe(lambda _: self.player.touch(), "value")
        self._show([controls.row(self.slider)])

    @property
    def threshold(self) -> float:
        """Where the line is. Assign a number from 0 to 1 to move it."""
        return self.slider.value

    @threshold.setter
    def threshold(self, threshold: float) -> None:
        self.slider.value = threshold

    def counts(self) -> dict[str, int]:
        """How many images are found, missed, false alarms and rightly quiet."""
        positive = self._probability >= torch.tensor(self.threshold, dtype=self._probability.dtype)
        return {
            "found": int((positive & self._truth).sum()),
            "missed": int((~positive & self._truth).sum()),
            "false alarms": int((positive & ~self._truth).sum()),
            "rightly quiet": int((~positive & ~self._truth).sum()),
        }

    def _draw_picture(self) -> None:
        self._line.set_xdata([self.threshold, self.threshold])
        self._counts.set_text(", ".join(f"{name} {count}" for name, count in self.counts().items()))
        axes = self._canvas.figure.axes
        self._canvas.draw([Part(WHOLE, axes, [self._line, self._counts], (), self.threshold)])

    def _picture_in_words(self) -> str:
        return (
            f"A dot for each of {len(self._truth):,} images at its probability, those that are {self._called} above "
            "the others, and a line at the threshold."
        )

    def _words(self) -> tuple[list[str], str, bool]:
        counted = ", ".join(f"{name} {count}" for name, count in self.counts().items())
        return [f"Threshold {self.threshold:.2f}.", f"{counted[:1].upper()}{counted[1:]}."], "", False
