"""The picture of a lab with words below, in one widget, so that both change at once and with one message."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import anywidget
import traitlets


class Screen(anywidget.AnyWidget):
    """A picture of fixed size with a text that says what it shows, and lines of words whose place stays the same.

    Screen readers announce changes of the words (`role="status"`), but not those of a training that plays.

    Args:
        size: of the picture, in pixels.
        lines: lines of words to keep free.
    """

    _esm = Path(__file__).with_suffix(".js")
    _css = Path(__file__).with_suffix(".css")
    png = traitlets.Bytes().tag(sync=True)
    alt = traitlets.Unicode().tag(sync=True)
    size = traitlets.Tuple(traitlets.Int(), traitlets.Int()).tag(sync=True)
    lines = traitlets.List(traitlets.Unicode()).tag(sync=True)
    problem = traitlets.Unicode().tag(sync=True)
    quiet = traitlets.Bool(False).tag(sync=True)
    reserve = traitlets.Int().tag(sync=True)

    def __init__(self, size: tuple[int, int], lines: int) -> None:
        super().__init__(size=size, reserve=lines)

    @property
    def text(self) -> str:
        """The words as one text, a problem first."""
        return "\n".join([*([self.problem] if self.problem else []), *self.lines])

    def say(self, sentences: Sequence[str], problem: str = "", *, quiet: bool = False) -> None:
        """Show sentences, one a line; a problem first, and marked; unannounced if `quiet`."""
        with self.hold_sync():
            self.lines = [sentence for sentence in sentences if sentence]
            self.problem, self.quiet = problem, quiet
