"""Sliders on two or three gradients: what each method makes of them, as arrows, and what each task gets from that."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from mtl_utils.balancing import Aggregation, aligned_mtl, cagrad, imtl_g, mgda, nash_mtl, pcgrad, upgrad
from mtl_utils.lab.engine import controls
from mtl_utils.lab.engine.panel import Panel
from mtl_utils.lab.views.canvas import WHOLE, Canvas, Part
from mtl_utils.lab.widgets.slider import Slider
from mtl_utils.plotting.axes import tidy
from mtl_utils.plotting.colors import BLUE, GRAY, GREEN, VERMILLION, text_color
from mtl_utils.plotting.gradients import method_color
from mtl_utils.randomness import seeded

_TASKS = {"first": BLUE, "second": VERMILLION, "third": GREEN}
_REACH = 2.2  # of the small planes; a longer update is drawn cut off, and its length stands beside it
_NOTHING = 1e-2  # an update shorter than this share of the longest gradient is no update


class ArrowsLab(Panel):
    """Left, a small plane for each method with the gradients and the update; right, the cosine of each gradient and the update.

    A cosine below 0 means that the step makes this task's loss grow. PCGrad looks at the tasks in random order; here always in
    the same one.

    Args:
        angles: in degrees, of the second gradient (and of the third, for three tasks) against the first.
        lengths: of all gradients, from 0 to 2; two or three of them.
        c: CAGrad's.

    Example:
        >>> lab = ArrowsLab(angles=(135,), lengths=(1, 1.5))
        >>> 'first and second -0.71' in lab.description  # the cosine of 135°
        True
        >>> lab.close()
    """

    def __init__(self, *, angles: Sequence[float] = (135,), lengths: Sequence[float] = (1, 1.5), c: float = 0.5) -> None:
        if len(lengths) not in (2, 3) or len(angles) != len(lengths) - 1:
            raise ValueError(f"two or three lengths are asked for, and an angle less, not {len(lengths)} and {len(angles)}")
        super().__init__(Canvas(10.4, 4.4), lines=4)
        self.tasks = list(_TASKS)[: len(lengths)]
        lowest = 0 if len(lengths) == 2 else -180
        self.angles = [
            Slider(
                f"angle of {name}", angle, range(lowest, 181), words=lambda degrees: f"{degrees:.0f}°",
                hint="Degrees against the first gradient. Arrow keys work, too.", color=text_color(_TASKS[name]),
            )
            for name, angle in zip(self.tasks[1:], angles, strict=True)
        ]  # fmt: skip
        self.lengths = [
            Slider(
                f"length of {name}", length, [place / 20 for place in range(41)], words=lambda value: f"{value:.2f}",
                hint="Of this task's gradient; 0 is a task that wants nothing. Arrow keys work, too.",
                color=text_color(_TASKS[name]),
            )
            for name, length in zip(self.tasks, lengths, strict=True)
        ]  # fmt: skip
        self.c = Slider(
            "c of CAGrad", c, [place / 20 for place in range(31)], words=lambda value: f"{value:.2f}",
            hint="How far CAGrad may leave the mean gradient. Arrow keys work, too.",
        )  # fmt: skip
        self._methods: dict[str, Aggregation] = {
            "PCGrad": pcgrad(), "UPGrad": upgrad(), "MGDA": mgda(), "Nash-MTL": nash_mtl(), "IMTL-G": imtl_g(),
            "Aligned-MTL": aligned_mtl(),
        }  # fmt: skip
        for control in (*self.angles, *self.lengths, self.c):
            control.observe(lambda _: self.player.touch(), "value")
        self._prepare_picture()
        self._show([controls.row(*self.angles, *self.lengths, self.c)])

    @property
    def gradients(self) -> Tensor:
        """The tasks' gradients, `[T, 2]`."""
        turns = [0.0, *(math.radians(slider.value) for slider in self.angles)]
        return torch.tensor(
            [[s.value * math.cos(turn), s.value * math.sin(turn)] for s, turn in zip(self.lengths, turns, strict=True)],
            dtype=torch.float64,
        )

    def updates(self) -> dict[str, Tensor]:
        """What each method makes of the gradients, `[2]` each; nothing but zeros if all gradients are zero."""
        gradients = self.gradients
        if not gradients.any():
            return dict.fromkeys(["sum", "CAGrad", *self._methods], torch.zeros(2, dtype=torch.float64))
        with seeded(0):
            made = {name: method.aggregate(gradients)[0] for name, method in self._methods.items()}
        return {"sum": gradients.sum(0), "CAGrad": cagrad(self.c.value).aggregate(gradients)[0], **made}

    def _prepare_picture(self) -> None:
        figure = self._canvas.figure
        names = list(self.updates())
        colors = [method_color(name) for name in names]
        grid = figure.add_gridspec(2, 6, left=0.01, right=0.99, bottom=0.11, top=0.94, wspace=0.08, hspace=0.14)
        zeros = [0.0] * (len(self.tasks) + 1)
        self._arrows, self._texts = [], []
        for number, (name, color) in enumerate(zip(names, colors, strict=True)):
            ax = figure.add_subplot(grid[number // 4, number % 4])
            ax.set(xlim=(-_REACH, _REACH), ylim=(-_REACH, _REACH), aspect="equal", xticks=[], yticks=[])
            ax.set_title(name, color=text_color(color), fontsize=11, weight="bold", pad=3)
            ax.spines[:].set_color("#cccccc")
            arrows = ax.quiver(
                zeros, zeros, zeros, zeros, color=[*(_TASKS[task] for task in self.tasks), "#111111"],
                angles="xy", scale_units="xy", scale=1, width=0.022,
            )  # fmt: skip
            self._arrows.append(arrows)
            self._texts.append(ax.text(-_REACH + 0.15, -_REACH + 0.15, "", fontsize=9))
        table = figure.add_axes((0.755, 0.11, 0.235, 0.77))
        tidy(table).set(xlim=(-1.08, 1.08), ylim=(len(names) - 0.5, -0.5), yticks=range(len(names)), yticklabels=names,
                        xlabel="worse  ←  cosine  →  better")  # fmt: skip
        table.tick_params(axis="y", length=0)
        for label, color in zip(table.get_yticklabels(), colors, strict=True):
            label.set_color(text_color(color))
        table.axvline(0, color=GRAY, linewidth=1)
        rows = list(range(len(names)))
        self._dots = [
            table.plot([0.0] * len(rows), rows, "oDs"[i], color=_TASKS[name], markersize=8, alpha=0.8, label=name)[0]
            for i, name in enumerate(self.tasks)
        ]
        table.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=3, fontsize=9, handletextpad=0.1,
                     columnspacing=0.8)  # fmt: skip

    def _draw_picture(self) -> None:
        gradients, updates = self.gradients, self.updates()
        cosines = {name: self._cosines(gradients, update) for name, update in updates.items()}
        for arrows, word, update in zip(self._arrows, self._texts, updates.values(), strict=True):
            length = float(update.norm())
            shown = update * min(1.0, (_REACH - 0.1) / max(length, 1e-9))
            arrows.set_UVC(*torch.cat([gradients, shown[None]]).T.numpy())
            word.set_text(f"length {length:.2f}" + (" (cut)" if length > _REACH - 0.1 else ""))
        for dots, values in zip(self._dots, torch.stack(list(cosines.values())).T, strict=True):
            dots.set_xdata(values.numpy())
        moving = [*self._arrows, *self._texts, *self._dots]
        content = (*gradients.flatten().tolist(), self.c.value)
        self._canvas.draw([Part(WHOLE, self._canvas.figure.axes, moving, (), content)])
        self._said = self._in_words(gradients, cosines)

    def _picture_in_words(self) -> str:
        return (
            "Left: for each method a plane with the tasks' gradients and the update as arrows. "
            "Right: for each method the cosine of every gradient and the update."
        )

    def _words(self) -> tuple[list[str], str, bool]:
        return self._said, "", False

    @staticmethod
    def _cosines(gradients: Tensor, update: Tensor) -> Tensor:
        """Of each gradient and the update; `nan` if there is hardly any update."""
        if float(update.norm()) <= _NOTHING * float(gradients.norm(dim=1).max()):
            return torch.full((len(gradients),), float("nan"), dtype=gradients.dtype)
        return torch.nn.functional.cosine_similarity(gradients, update[None], dim=-1)

    def _in_words(self, gradients: Tensor, cosines: dict[str, Tensor]) -> list[str]:
        unit = torch.nn.functional.normalize(gradients, dim=1)
        between = unit @ unit.T
        pairs = [
            f"{a} and {b} {float(between[i, j]):+.2f}"
            for i, a in enumerate(self.tasks)
            for j, b in enumerate(self.tasks)
            if i < j
        ]
        harmed = [
            f"{name} ({', '.join(task for task, value in zip(self.tasks, values.tolist(), strict=True) if value < -_NOTHING)})"
            for name, values in cosines.items()
            if float(values.nan_to_num(1.0).min()) < -_NOTHING
        ]
        still = [name for name, values in cosines.items() if bool(values.isnan().any())]
        return [
            f"Cosines of the gradients: {', '.join(pairs)}.",
            f"Updates that make a task worse: {', '.join(harmed)}." if harmed else "No update makes a task worse.",
            f"No update at all (no direction serves all tasks): {', '.join(still)}." if still else "",
        ]
