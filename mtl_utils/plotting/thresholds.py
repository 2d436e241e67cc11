"""What a decision threshold does: found, missed, and called by mistake."""

from __future__ import annotations

import torch
from matplotlib.axes import Axes
from torch import Tensor

from mtl_utils.plotting.axes import axes_or_new, tidy
from mtl_utils.plotting.colors import BLUE, VERMILLION


def plot_threshold(probability: Tensor, truth: Tensor, threshold: float, ax: Axes | None = None, *, title: str = "") -> Axes:
    """Which images a threshold calls positive: a dot per image at its probability, and how many are right and wrong.

    Args:
        probability: `[N]`, that the image is positive.
        truth: `bool` `[N]`.
        threshold: images at least as probable are called positive.
        ax: where to draw.
        title: text above; by default the four counts.

    Example:
        >>> ax = plot_threshold(torch.tensor([0.2, 0.6, 0.9]), torch.tensor([False, False, True]), threshold=0.5)
        >>> ax.get_title()
        'found 1, missed 0; false alarms 1, rightly quiet 1'
    """
    if probability.shape != truth.shape or truth.dtype != torch.bool:
        raise ValueError(
            f"probabilities and boolean labels of one length are needed, not {tuple(probability.shape)}, {tuple(truth.shape)}"
        )
    ax = tidy(axes_or_new(ax, size=(7.0, 2.4)))
    called = probability >= threshold
    rows = {"positive": (1, VERMILLION, truth), "negative": (0, BLUE, ~truth)}
    for place, color, chosen in rows.values():
        values = probability[chosen].sort().values
        spread = torch.linspace(-0.25, 0.25, len(values))[torch.arange(len(values)) * 7 % max(len(values), 1)]
        ax.plot(values.numpy(), (place + spread).numpy(), "o", ms=3.5, mew=0, alpha=0.6, color=color)
    ax.axvline(threshold, color="#222222", lw=1.4)
    found, missed = int((called & truth).sum()), int((~called & truth).sum())
    alarms, quiet = int((called & ~truth).sum()), int((~called & ~truth).sum())
    ax.set_yticks([1, 0], ["positive", "negative"])
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.5, 1.5), xlabel="probability")
    ax.set_title(title or f"found {found}, missed {missed}; false alarms {alarms}, rightly quiet {quiet}", fontsize=10)
    return ax
