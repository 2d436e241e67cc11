"""Figures in notebooks with a text that says what they show, for those who do not see them."""

from __future__ import annotations

import io
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure


def describe(figure: Figure | Axes, text: str) -> None:
    """Show a figure in the notebook, with a text that says what it shows. Put it last in the cell that draws the figure.

    A page that `jupyter nbconvert --to html` makes gives the text to screen readers, as the picture's `alt`: installing the
    course sets the template `described` for its environment. Other environments, and JupyterLab's menu, take nbconvert's own
    template, which leaves pictures without a text; JupyterLab 4.6 does not read it either. The figure is shown here and closed,
    so that Jupyter does not show it a second time, without the text.

    Args:
        figure: the figure, or axes of it.
        text: what one sees in it: one or two sentences.

    Raises:
        ValueError: if there is no text.

    Example:
        >>> import matplotlib.pyplot as plt
        >>> _, ax = plt.subplots()
        >>> describe(ax, '')
        Traceback (most recent call last):
        ValueError: ...
    """
    if not isinstance(text, str) or not text.strip():
        raise ValueError("a figure's text must say what the figure shows; it is empty")
    found = figure.get_figure(root=True) if isinstance(figure, Axes) else figure
    if not isinstance(found, Figure):
        raise ValueError(f"describe a figure or axes, not {type(figure).__name__}")
    _display(_png(found), " ".join(text.split()))
    plt.close(found)


def describe_picture(png: bytes, text: str) -> None:
    """Show a finished picture, such as `lab.picture`, with a text that says what it shows, such as `lab.description`.

    Raises:
        ValueError: if there is no text.

    Example:
        >>> describe_picture(b'', '')
        Traceback (most recent call last):
        ValueError: a picture's text must say what the picture shows; it is empty
    """
    if not isinstance(text, str) or not text.strip():
        raise ValueError("a picture's text must say what the picture shows; it is empty")
    _display(png, " ".join(text.split()))


def _png(figure: Figure) -> bytes:
    """As the inline backend makes it: tight, in its own resolution."""
    written = io.BytesIO()
    figure.savefig(written, format="png", bbox_inches="tight")
    return written.getvalue()


def _display(png: bytes, text: str) -> None:
    from IPython.display import display

    metadata: dict[str, Any] = {"image/png": {"alt": text}}
    # nbconvert reads the picture's metadata; a reader without pictures sees the text itself.
    display(  # type: ignore[no-untyped-call]
        {"image/png": png, "text/plain": f"Figure: {text}"}, raw=True, metadata=metadata
    )
