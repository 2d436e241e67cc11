"""The controls that labs have in common: buttons, sliders and a line of words."""

from __future__ import annotations

import html
from collections.abc import Sequence

import ipywidgets


def button(icon: str, label: str, tooltip: str) -> ipywidgets.Button:
    """A button that stays as wide as it is."""
    return ipywidgets.Button(icon=icon, description=label, tooltip=tooltip, layout={"width": "92px"})


def weight_slider(
    name: str, value: float, limits: tuple[float, float], *, logarithmic: bool, color: str
) -> ipywidgets.FloatSlider | ipywidgets.FloatLogSlider:
    """A slider for one task's loss weight; reports continuously while it is moved.

    Args:
        name: the task.
        value: where it starts.
        limits: lowest and highest weight.
        logarithmic: whether equal distances are equal factors; the lowest weight must then be above 0.
        color: of the handle.
    """
    import math

    common = {
        "description": name,
        "continuous_update": True,
        "tooltip": f"Loss weight of task {name}. Acts on the next training step. Arrow keys work, too.",
        "style": {"handle_color": color, "description_width": "70px"},
        "layout": {"width": "330px"},
    }
    low, high = limits
    if logarithmic:
        return ipywidgets.FloatLogSlider(
            value=value, base=10, min=math.log10(low), max=math.log10(high), step=0.05, readout_format=".3g", **common
        )
    return ipywidgets.FloatSlider(value=value, min=low, max=high, step=(high - low) / 100, readout_format=".2f", **common)


def choice(label: str, options: Sequence[str | tuple[str, str]], tooltip: str, *, width: int = 190) -> ipywidgets.Dropdown:
    """A list to choose one from."""
    return ipywidgets.Dropdown(
        options=list(options), description=label, tooltip=tooltip,
        layout={"width": f"{width}px"}, style={"description_width": "initial"},
    )  # fmt: skip


class StatusLine:
    """A few lines of words whose place on the page stays the same, however long they are.

    Screen readers announce its changes (`role="status"`), once they have finished reading.
    """

    def __init__(self, lines: int = 3) -> None:
        self.widget = ipywidgets.HTML(layout={"max_width": "1000px", "min_height": f"{1.5 * lines + 0.5}em"})
        self.text = ""

    def say(self, sentences: Sequence[str], problem: str = "") -> None:
        """Show sentences, one a line; a problem first, and marked."""
        lines = [html.escape(sentence) for sentence in sentences if sentence]
        self.text = "\n".join([*([problem] if problem else []), *(sentence for sentence in sentences if sentence)])
        if problem:
            lines.insert(0, f'<b style="color:#B00020">⚠ {html.escape(problem)}</b>')
        value = f'<div role="status" style="line-height:1.5;font-size:14px">{"<br>".join(lines)}</div>'
        if value != self.widget.value:
            self.widget.value = value


def row(*widgets: ipywidgets.Widget) -> ipywidgets.HBox:
    """Widgets beside each other, in several lines if the page is narrow."""
    return ipywidgets.HBox(list(widgets), layout={"flex_flow": "row wrap", "align_items": "center", "max_width": "1000px"})


def close_tree(widget: ipywidgets.Widget) -> None:
    """Close a widget with everything inside it, layouts and styles included, for the kernel remembers each of them."""
    for child in getattr(widget, "children", ()):
        close_tree(child)
    for part in ("layout", "style"):
        belonging = getattr(widget, part, None)
        if belonging is not None:
            belonging.close()
    widget.close()
