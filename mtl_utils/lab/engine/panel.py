"""What all labs have in common: a picture with controls around it, shown in a cell, closed without a trace."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Self

import ipywidgets

from mtl_utils.lab.engine import controls, open_labs
from mtl_utils.lab.engine.other_cells import OtherCells
from mtl_utils.lab.engine.player import Player
from mtl_utils.lab.views.canvas import Canvas
from mtl_utils.lab.widgets.screen import Screen


class Panel:
    """A picture, controls above it and words below. Subclasses draw the picture and find the words.

    Args:
        canvas: the picture.
        lines: lines of words to keep free for the state.
        speed: see `Player`.
    """

    def __new__(cls, *_: object, **__: object) -> Self:
        open_labs.close_former()  # before anything of the new lab can go wrong
        return super().__new__(cls)

    def __init__(self, canvas: Canvas, *, lines: int = 3, speed: float = math.inf) -> None:
        self._canvas = canvas
        self._screen = Screen(canvas.size, lines)
        self._closed = False
        self._broken: Exception | None = None
        self._told = ""
        self.player = Player(self._advance, self._draw, speed)
        self._others = OtherCells(self.player.loop, self._wait, self._resume)
        self._clicked: tuple[str, Callable[[], object]] | None = None

    @property
    def status(self) -> str:
        """The state in words, as it stands below the picture."""
        return self._screen.text

    @property
    def picture(self) -> bytes:
        """The picture as it is now, in PNG."""
        return self._canvas.png

    @property
    def description(self) -> str:
        """What the picture shows, in words: its alternative text."""
        return str(self._screen.alt)

    def close(self) -> None:
        """Stop, and free everything. A closed lab cannot be opened again."""
        if not self._closed:
            self._closed = True
            self.player.close()
            self._others.close()
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
        """Put the controls, the picture and the words in their places, and draw for the first time."""
        self.view = ipywidgets.VBox([*rows, self._screen], layout={"overflow": "hidden"})
        self.view.add_class("mtl-lab")
        open_labs.register(self)
        self._draw()
        self._raise_if_broken()

    def _advance(self) -> bool:
        return False

    def _draw(self) -> None:
        """Picture and words, as they are now. An error in drawing stops the training, and is told in words."""
        if self._closed:
            return
        try:
            self._draw_picture()
            self._broken = None
        except Exception as error:  # drawing must not leave a lab that says "Playing" and does nothing
            self._broken = error
            self.player.pause()
        sentences, problem, quiet = self._words()
        if self._broken is not None:
            problem = f"the picture could not be drawn: {str(self._broken) or type(self._broken).__name__}. {problem}".strip()
        self._told = "\n".join([*([problem] if problem else []), *(each for each in sentences if each)])
        with self._screen.hold_sync():
            self._screen.png = self._canvas.png
            self._screen.alt = f"{self._picture_in_words()} {' '.join(sentences)}"
            if not self._others.waiting:
                self._screen.say(sentences, problem, quiet=quiet)

    def _draw_picture(self) -> None:
        raise NotImplementedError

    def _picture_in_words(self) -> str:
        """What kind of picture it is; the state follows."""
        raise NotImplementedError

    def _words(self) -> tuple[list[str], str, bool]:
        """The state as sentences; a problem, if there is one; whether the change needs no announcement."""
        raise NotImplementedError

    def _raise_if_broken(self) -> None:
        if self._broken is not None:
            raise self._broken

    # What is clicked while other cells run.

    def _click(self, name: str, action: Callable[[], object]) -> None:
        """Do what a button says; if other cells are running, do it after them. Of several clicks then only the last counts."""
        if self._others.waiting:
            self._clicked = (name, action)
            self._wait()
        else:
            self.player.hand_over(action)

    def _wait(self) -> None:
        """Other cells keep the event loop busy. May be called on another thread."""
        if not self._closed:
            then = f"then: {self._clicked[0]}." if self._clicked else "then you can use it."
            self._screen.say([f"This lab is waiting for the other cells to finish; {then}"])

    def _resume(self) -> None:
        """The other cells have finished."""
        if not self._closed:
            clicked, self._clicked = self._clicked, None
            self.player.touch()
            if clicked is not None:
                clicked[1]()

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError("this lab was closed (running its cell again closes the former one); make a new one")

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, object], dict[str, object]]:
        self._check_open()
        # The widget where one can be shown; its picture where not, such as on a page that only displays notebooks.
        bundle: dict[str, object] = dict(self.view._repr_mimebundle_() or {})
        # What the lab itself says: a notebook that is saved must not keep "waiting for the other cells".
        data = bundle | {"text/plain": self._told, "image/png": base64.b64encode(self.picture).decode()}
        return data, {"image/png": {"alt": self.description}}
