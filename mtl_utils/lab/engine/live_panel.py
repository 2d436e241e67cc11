"""What the labs that train have in common: play, pause, step, reset and a seed, on one or several runs."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets
from torch import nn

from mtl_utils.lab.engine import controls
from mtl_utils.lab.engine.live_run import HIGHEST_SEED, LiveRun, check_seed
from mtl_utils.lab.engine.panel import Panel
from mtl_utils.lab.engine.presence import Presence
from mtl_utils.lab.views.canvas import Canvas
from mtl_utils.training.history import History


class LivePanel(Panel):
    """A panel with play, pause, step, reset and a seed. Subclasses say what a step, a reset and the picture are.

    Args:
        canvas: the picture.
        runs: what is trained, all with the same seed; the first one is what `history` and `model` tell about.
        lines: lines of text to keep free for the state in words.
        rest: see `Player`.
    """

    def __init__(self, canvas: Canvas, runs: Sequence[LiveRun], *, lines: int = 3, rest: float = 0.0) -> None:
        super().__init__(canvas, lines=lines, rest=rest)
        self._runs = runs
        self._notice = ""
        self._presence = Presence()
        self.play_button = controls.button("play", "play", "Train, until paused or at the end of the run")
        self.pause_button = controls.button("pause", "pause", "Stop after the present step; play goes on from there")
        self.step_button = controls.button("step-forward", "step", "Make one training step")
        self.reset_button = controls.button("refresh", "reset", "Keep this run's end as a point, and begin anew with the seed")
        self.seed = ipywidgets.BoundedIntText(
            value=runs[0].seed, min=0, max=HIGHEST_SEED, description="seed",
            layout={"width": "120px"}, style={"description_width": "40px"},
            tooltip="Decides initial weights and the order of images. Takes effect with the next reset",
        )  # fmt: skip
        for pressed, action in (
            (self.play_button, self.play),
            (self.pause_button, self.pause),
            (self.step_button, self.step),
            (self.reset_button, self.reset),
        ):
            pressed.on_click(lambda _, action=action: self.player.hand_over(action))
        self.seed.observe(lambda _: self.player.touch(), "value")
        self._buttons = controls.row(
            self.play_button, self.pause_button, self.step_button, self.reset_button, self.seed, self._presence.widget
        )

    @property
    def history(self) -> History:
        """What happened in this run so far."""
        return self._runs[0].history

    @property
    def model(self) -> nn.Module:
        """The model of this run."""
        return self._runs[0].model

    @property
    def playing(self) -> bool:
        """Whether it is training now."""
        return self.player.playing

    def play(self) -> None:
        """Train on the event loop, so that everything stays live. Does nothing if it plays already."""
        self._check_open()
        self._notice = ""
        if not self._finished() and not self.playing:
            self._presence.begin()
        if not self._finished():
            self.player.play()
        self.player.touch()

    def pause(self) -> None:
        """Stop after the present step."""
        self._check_open()
        self.player.pause()
        self.player.touch()

    def step(self) -> None:
        """One step, and stop."""
        self._check_open()
        self.player.pause()
        self._step()
        self.player.touch()

    def run(self, steps: int) -> None:
        """Exactly so many steps (fewer at the end of a run), here and now: for *Restart and run all*, and for tests.

        Raises:
            Exception: whatever stopped the training, or kept it from having a model.
        """
        self._check_open()
        self.player.pause()
        for _ in range(steps):
            if not self._step():
                break
        self._draw()
        for each in self._runs:
            if each.error is not None:
                raise each.error

    def reset(self, seed: int | None = None) -> None:
        """Begin anew, with another seed (from 0 to a million) if one is given. Why there is no new model, `status` says."""
        self._check_open()
        if seed is not None:
            check_seed(seed)
        self.player.pause()
        self._notice = ""
        if seed is not None:
            self.seed.value = seed
        self._restart()
        self.player.touch()

    def _step(self) -> bool:
        raise NotImplementedError

    def _restart(self) -> None:
        for run in self._runs:
            run.restart(self.seed.value)

    def _release(self) -> None:
        for run in self._runs:
            run.close()

    def _finished(self) -> bool:
        return any(run.finished for run in self._runs)

    def _advance(self) -> bool:
        if self._presence.gone():
            self._notice = "Paused, because the page was closed or asleep; press play to go on."
            return False
        return self._step()

    def _state(self) -> str:
        """One word, and the buttons to match."""
        playing, finished = self.player.playing, self._finished()
        if not playing:
            self._presence.rest()
        self.play_button.disabled = playing or finished
        self.pause_button.disabled = not playing
        self.step_button.disabled = finished
        return "stopped" if self._problem() else "finished" if finished else "playing" if playing else "paused"

    def _problem(self) -> str:
        """What stopped a run, and what to do, as a sentence each."""
        return next((f"{run.problem}. Reset begins anew." for run in self._runs if run.problem), "")

    def _waiting_seed(self) -> str:
        """Words for a seed that was chosen and is not in use yet, with a space before them."""
        seed = self.seed.value
        return f" Seed {seed} takes effect with the next reset." if seed != self._runs[0].seed else ""
