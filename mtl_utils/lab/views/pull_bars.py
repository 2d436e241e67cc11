"""Bars for how hard each task pulls on the shared parameters, with and without its weight."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes

from mtl_utils.analysis.pull import Pull
from mtl_utils.lab.views.scales import plain_ticks, round_down, round_up
from mtl_utils.plotting.axes import tidy


class PullBars:
    """For each task a bar of length w·‖g‖, and a mark at ‖g‖ alone, on a logarithmic scale.

    Args:
        ax: where to draw.
        names: of the tasks.
        colors: one for each task.
        below: where the cosine stands, as a share of the axes' height.
    """

    def __init__(self, ax: Axes, names: Sequence[str], colors: dict[str, str], below: float) -> None:
        self._ax, self._names = tidy(ax), names
        self._bars = {}
        self._marks = {}
        for name in names:
            (self._bars[name],) = ax.plot([], [], color=colors[name], linewidth=9, solid_capstyle="butt")
            (self._marks[name],) = ax.plot([], [], "|", color="#222222", markersize=15, markeredgewidth=2)
        ax.set_xscale("log")
        plain_ticks(ax.xaxis, dense=False)
        ax.set_ylim(len(names) - 0.4, -0.6)
        ax.set_yticks(range(len(names)), names)
        ax.grid(False, axis="y")
        ax.set_title("bar: weight × ‖gradient‖      mark |: ‖gradient‖ alone", loc="left", fontsize=9)
        self._cosine = ax.text(1.0, below, "", ha="right", va="top", transform=ax.transAxes, weight="bold", fontsize=9)
        self._limits = (0.01, 10.0)
        ax.set_xlim(*self._limits)

    @property
    def moving(self) -> list[Artist]:
        """What changes from picture to picture."""
        return [*self._bars.values(), *self._marks.values(), self._cosine]

    def update(self, pull: Pull, weights: dict[str, float]) -> Hashable:
        """Show gradient norms with these weights; returns what identifies the axis."""
        pulls = {name: pull.norms[name] * weights.get(name, 0.0) for name in pull.norms}
        # The axis only ever grows, for it would jump with every slider otherwise.
        seen = [value for value in (*pulls.values(), *pull.norms.values()) if value > 0]
        if seen:
            low = max(round_down(min(seen)), 1e-6)
            self._limits = (min(self._limits[0], low), max(self._limits[1], round_up(max(seen))))
        self._ax.set_xlim(*self._limits)
        for place, name in enumerate(self._names):
            shown = name in pulls and pulls[name] > 0
            self._bars[name].set_data(*(([self._limits[0], pulls[name]], [place, place]) if shown else ([], [])))
            self._marks[name].set_data(*(([pull.norms[name]], [place]) if name in pull.norms else ([], [])))
        if pull.cosines:
            pair, cosine = min(pull.cosines.items(), key=lambda item: item[1])
            # With more than two tasks, the pair that agrees least is what one wants to know.
            self._cosine.set_text(
                f"gradient cosine {cosine:+.2f}" + (f" ({pair[0]}, {pair[1]})" if len(pull.cosines) > 1 else "")
            )
        else:
            self._cosine.set_text("")
        return self._limits
