"""One lab per notebook cell: running the cell again closes the lab that it made before.

Widgets live until they are closed, for the kernel keeps a list of them; so does a training that runs on the event loop. Without
this, every run of a cell would leave a lab behind, and a training with it.
"""

from __future__ import annotations

from typing import Protocol


class Closable(Protocol):
    """Anything that can be closed."""

    def close(self) -> None: ...


# For each cell its latest run that made labs, and those of them that are still open.
_OPEN: dict[str, tuple[object, list[Closable]]] = {}


def close_former() -> None:
    """Close all labs that earlier runs of the cell that runs now have made. To be called before a lab is made.

    Before, and not when it is there: a mistake that keeps it from being made must not leave the former one training.
    """
    cell, run = _running_cell()
    if cell in _OPEN and _OPEN[cell][0] != run:
        _, labs = _OPEN.pop(cell)
        for lab in labs:
            lab.close()


def register(lab: Closable) -> None:
    """Remember a lab as made by this run of the cell. Outside Jupyter nothing is remembered."""
    cell, run = _running_cell()
    if cell:
        _OPEN.setdefault(cell, (run, []))[1].append(lab)


def forget(lab: Closable) -> None:
    """A lab was closed."""
    for cell, (_, labs) in list(_OPEN.items()):
        if lab in labs:
            labs.remove(lab)
            if not labs:
                del _OPEN[cell]


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
