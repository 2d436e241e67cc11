"""One lab per notebook cell: running the cell again closes the lab that it made before.

Widgets live until they are closed, for the kernel keeps a list of them; so does a training that runs on the event loop. Without
this, every run of a cell would leave a lab behind, and a training with it.
"""

from __future__ import annotations

from typing import Protocol


class Closable(Protocol):
    """Anything that can be closed."""

    def close(self) -> None: ...


_OPEN: dict[tuple[str, int], Closable] = {}
_RUNS: dict[str, tuple[object, int]] = {}


def register(lab: Closable) -> None:
    """Remember a lab as made by the cell that runs now, and close the one that an earlier run of that cell made in its place.

    The second lab that one run of a cell makes takes the place of the second one of the run before, and so on. Outside
    Jupyter nothing is remembered.
    """
    cell, run = _running_cell()
    if not cell:
        return
    before, count = _RUNS.get(cell, (None, 0))
    place = count + 1 if before == run else 0
    _RUNS[cell] = (run, place)
    earlier = _OPEN.pop((cell, place), None)
    if earlier is not None:
        earlier.close()
    _OPEN[cell, place] = lab


def forget(lab: Closable) -> None:
    """A lab was closed."""
    for key in [key for key, value in _OPEN.items() if value is lab]:
        del _OPEN[key]


def _running_cell() -> tuple[str, object]:
    """What identifies the cell (its id; the source where there is none), and this run of it."""
    try:
        from IPython import get_ipython
    except ImportError:
        return "", None
    shell = get_ipython()
    if shell is None or not hasattr(shell, "get_parent"):
        return "", None
    message = shell.get_parent() or {}
    cell = message.get("metadata", {}).get("cellId") or message.get("content", {}).get("code", "")
    return cell, message.get("header", {}).get("msg_id")
