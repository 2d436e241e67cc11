"""What the labs that train have in common: play, pause, step, reset and a seed, on one or several runs."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from mtl_utils.lab.engine import controls
from mtl_utils.lab.engine.controls import SPEEDS
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
        speed: steps per second at the beginning, one of `SPEEDS`; `math.inf` is as fast as it goes.
        lines: lines of text to keep free for the state in words.
    """

    _reset_hint = "Begin anew with the seed"

    def __init__(self, canvas: Canvas, runs: Sequence[LiveRun], *, speed: float, lines: int = 5) -> None:
        super().__init__(canvas, lines=lines, speed=controls.check_speed(speed))
        self._runs = runs
        self._notice = ""
        self._said = ""
        self._presence = Presence()
        length = runs[0].length
        self.play_button = controls.button("play", "play", "Train, until paused or at the end of the run")
        self.pause_button = controls.button("pause", "pause", "Stop after the present step; play goes on from there")
        self.step_button = controls.button("step-forward", "step", "Make one training step")
        self.reset_button = controls.button("refresh", "reset", self._reset_hint)
        self.more_button = controls.button(
            "forward", "continue", f"At the end of the run: {length} more steps of the same run. Nothing begins anew", "100px"
        )
        self.seed = controls.number(
            "seed", runs[0].seed, HIGHEST_SEED, width=110, label_width=34,
            tooltip="Decides initial weights and the order of images. Takes effect with the next reset",
        )  # fmt: skip
        self.pause_at = controls.number(
            "pause at step", 0, 10**6, width=154, label_width=92,
            tooltip="Pauses after this step, every time a run comes there; 0 is never. Play goes on",
        )  # fmt: skip
        self.speed_choice = controls.choice(
            "speed", [(words, value) for value, words in SPEEDS.items()], "Training steps per second, at most", width=176
        )
        self.speed_choice.value = self.player.speed
        for name, pressed, action in (
            ("play", self.play_button, self.play),
            ("pause", self.pause_button, self.pause),
            ("step", self.step_button, self.step),
            ("reset", self.reset_button, self.reset),
            ("continue", self.more_button, self._go_on),
        ):
            pressed.on_click(lambda _, name=name, action=action: self._click(name, action))
        self.seed.observe(lambda _: self.player.touch(), "value")
        self.speed_choice.observe(lambda change: setattr(self.player, "speed", change["new"]), "value")
        self._buttons = controls.row(
            self.play_button, self.pause_button, self.step_button, self.reset_button, self.more_button,
            self.speed_choice, self.pause_at, self.seed, self._presence.widget,
        )  # fmt: skip

    @property
    def history(self) -> History:
        """What happened in this run so far."""
        return self._runs[0].history

    @property
    def model(self) -> nn.Module:
        """The model of this run, with the weights of its latest step."""
        return self._runs[0].model

    @property
    def playing(self) -> bool:
        """Whether it is training now."""
        return self.player.playing

    @property
    def speed(self) -> float:
        """Steps per second, at most; `math.inf` is as fast as it goes. May be assigned."""
        return self.player.speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self.speed_choice.value = controls.check_speed(speed)

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

    def extend(self, steps: int | None = None) -> None:
        """Make this run longer, by its first length if no number of steps is given. Then play, or run, goes on with it.

        Raises:
            ValueError: if a problem stopped the run, or `patience`.
        """
        self._check_open()
        for run in self._runs:
            run.extend(steps if steps is not None else run.length)
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
        self._raise_if_broken()

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
        more = self._step()
        if len(self.history.steps) == self.pause_at.value and more:
            self._notice = ""
            return False
        return more

    def _go_on(self) -> None:
        """What the button *continue* does. A second press, before it shows, does nothing."""
        if self._finished() and all(run.can_go_on for run in self._runs):
            self.extend()
            self.play()

    def _state(self) -> str:
        """One word, and the buttons to match."""
        playing, finished = self.player.playing, self._finished()
        if not playing:
            self._presence.rest()
        self.play_button.disabled = playing or finished
        self.pause_button.disabled = not playing
        self.step_button.disabled = finished
        self.more_button.disabled = not (finished and all(run.can_go_on for run in self._runs))
        return "stopped" if self._problem() else "finished" if finished else "playing" if playing else "paused"

    def _words(self) -> tuple[list[str], str, bool]:
        state = self._state()
        quiet, self._said = state == self._said == "playing", state
        return self._sentences(state), self._problem() or self._remark(), quiet

    def _remark(self) -> str:
        """Something to know that did not stop the run."""
        return self._notice

    def _sentences(self, state: str) -> list[str]:
        """What a subclass says about the state."""
        raise NotImplementedError

    def _problem(self) -> str:
        """What stopped a run, and what to do, as a sentence each."""
        return next((f"{run.problem}. Reset begins anew." for run in self._runs if run.problem), "")

    def _waiting_seed(self) -> str:
        """Words for a seed that was chosen and is not in use yet, with a space before them."""
        seed = self.seed.value
        return f" Seed {seed} takes effect with the next reset." if seed != self._runs[0].seed else ""
