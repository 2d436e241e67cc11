"""What all labs have in common: a picture with controls around it, shown in a cell, closed without a trace."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import ipywidgets

from mtl_utils.lab.engine import controls, open_labs
from mtl_utils.lab.engine.player import Player
from mtl_utils.lab.views.canvas import Canvas


class Panel:
    """A picture, controls above it and a text line below.

    Args:
        canvas: the picture.
        lines: lines of text to keep free for the state in words.
        rest: see `Player`.
    """

    def __new__(cls, *_: object, **__: object) -> Self:
        open_labs.close_former()  # before anything of the new lab can go wrong
        return super().__new__(cls)

    def __init__(self, canvas: Canvas, *, lines: int = 3, rest: float = 0.0) -> None:
        self._canvas = canvas
        self._status = controls.StatusLine(lines)
        self._closed = False
        self.player = Player(self._advance, self._draw, rest)

    @property
    def status(self) -> str:
        """The state in words, as it stands below the picture."""
        return self._status.text

    @property
    def picture(self) -> bytes:
        """The picture as it is now, in PNG."""
        return bytes(self._canvas.widget.value)

    def close(self) -> None:
        """Stop, and free everything. A closed lab cannot be opened again."""
        if not self._closed:
            self._closed = True
            self.player.close()
            self._release()
            self._canvas.close()
            controls.close_tree(self.view)
            open_labs.forget(self)
            # Jupyter remembers every lab that a cell ever showed (`Out`); what it remembers must be an empty shell.
            vars(self).clear()
            self._closed = True

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> None:
            closed = ", since this lab was closed" if vars(self).get("_closed") else ""
            raise AttributeError(f"{type(self).__name__} has no '{name}'{closed}")

    def _release(self) -> None:
        """Let go of what a subclass holds."""

    def _show(self, rows: Sequence[ipywidgets.Widget]) -> None:
        """Put the controls, the picture and the words in their places."""
        self.view = ipywidgets.VBox([*rows, self._canvas.widget, self._status.widget])
        open_labs.register(self)

    def _advance(self) -> bool:
        return False

    def _draw(self) -> None:
        raise NotImplementedError

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError("this lab was closed (running its cell again closes the former one); make a new one")

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        self._check_open()
        # The widget where one can be shown; its picture where not, such as on a page that only displays notebooks.
        bundle: dict[str, object] = dict(self.view._repr_mimebundle_() or {})
        return bundle | {"text/plain": self.status, "image/png": base64.b64encode(self.picture).decode()}
