"""The controls that labs have in common: buttons, sliders and lists."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import ipywidgets

from mtl_utils.lab.views.scales import plain
from mtl_utils.lab.widgets.slider import Slider
from mtl_utils.plotting.colors import text_color

# Steps per second, and the words for them.
SPEEDS: dict[float, str] = {
    **{float(speed): f"{speed} steps/s" if speed > 1 else "1 step/s" for speed in (1, 2, 5, 10, 20, 50, 100, 200)},
    math.inf: "as fast as it goes",
}


def button(icon: str, label: str, tooltip: str, width: str = "84px") -> ipywidgets.Button:
    """A button that stays as wide as it is."""
    return ipywidgets.Button(icon=icon, description=label, tooltip=tooltip, layout={"width": width})


def weight_slider(name: str, value: float, limits: tuple[float, float], *, logarithmic: bool, color: str) -> Slider:
    """A slider for one task's loss weight; reports continuously while it is moved.

    Args:
        name: the task.
        value: where it starts.
        limits: lowest and highest weight.
        logarithmic: whether equal distances are equal factors; the lowest weight must then be above 0.
        color: of the handle.
    """
    low, high = limits
    if logarithmic:
        count = max(round((math.log10(high) - math.log10(low)) / 0.05), 1)
        values = [low * (high / low) ** (place / count) for place in range(count + 1)]
    else:
        values = [low + (high - low) * place / 100 for place in range(101)]
    return Slider(
        name,
        value,
        [float(f"{each:.6g}") for each in values],
        words=plain,
        hint=f"Loss weight of task {name}. Acts on the next training step. Arrow keys work, too.",
        color=text_color(color),
    )


def choice(label: str, options: Sequence[Any], tooltip: str, *, width: int = 190) -> ipywidgets.Dropdown:
    """A list to choose one from."""
    return ipywidgets.Dropdown(
        options=list(options), description=label, tooltip=tooltip,
        layout={"width": f"{width}px"}, style={"description_width": "initial"},
    )  # fmt: skip


def number(label: str, value: int, highest: int, tooltip: str, *, width: int, label_width: int) -> ipywidgets.BoundedIntText:
    """A field for a whole number from 0."""
    return ipywidgets.BoundedIntText(
        value=value, min=0, max=highest, description=label, tooltip=tooltip,
        layout={"width": f"{width}px"}, style={"description_width": f"{label_width}px"},
    )  # fmt: skip


def check_speed(speed: float) -> float:
    """The speed itself; a `ValueError` in words if it is none of `SPEEDS`."""
    if speed not in SPEEDS:
        raise ValueError(
            f"the speed must be one of {', '.join(f'{each:g}' for each in SPEEDS)} steps per second "
            f"(math.inf is as fast as it goes), not {speed!r}"
        )
    return float(speed)


def row(*widgets: ipywidgets.Widget) -> ipywidgets.HBox:
    """Widgets beside each other, in several lines if the page is narrow."""
    layout = {"flex_flow": "row wrap", "align_items": "center", "max_width": "1000px", "overflow": "hidden"}
    return ipywidgets.HBox(list(widgets), layout=layout)


def close_tree(widget: ipywidgets.Widget) -> None:
    """Close a widget with everything inside it, layouts and styles included, for the kernel remembers each of them."""
    for child in getattr(widget, "children", ()):
        close_tree(child)
    for part in ("layout", "style"):
        belonging = getattr(widget, part, None)
        if belonging is not None:
            belonging.close()
    widget.close()
