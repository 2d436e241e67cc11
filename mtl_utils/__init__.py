"""A library for learning and teaching multi-task learning in computer vision.

    import mtl_utils

    pairs = mtl_utils.datasets.multi_mnist(train=6000, val=1000, test=2000)
    model = mtl_utils.models.hard_sharing(mtl_utils.models.lenet, pairs)
    history = mtl_utils.fit(model, pairs, epochs=4)

Rooms and functions are imported when they are first used. The floors, lowest first: `randomness`, `device` and `measures`;
`tasks`; `datasets` and `models`; `penalties` and `balancing`; `evaluation`; `training`; `analysis`, `problems` and
`tracking`; `experiments`; `plotting`; `lab`; `course`. A lower room never imports a higher one.
"""

from collections.abc import Callable
from typing import Any

_INSTALL = "run `pip install -r requirements.txt` in the course's folder, then restart the kernel"


def _or_say_what_is_missing(find: Callable[[str], Any]) -> Callable[[str], Any]:
    """Find a room or a function; if a package that it needs is not there, say which one, and what installs it."""

    def get(name: str) -> Any:
        try:
            return find(name)
        except ModuleNotFoundError as error:
            package = (error.name or "").partition(".")[0]
            if package in ("", __name__):
                raise
            raise ModuleNotFoundError(f"the package {package} is missing: {_INSTALL}", name=error.name) from error

    return get


try:
    import lazy_loader

    _find, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
except ModuleNotFoundError as _error:  # mtl_utils.course.environment is imported all the same, and says what is missing
    _missing = _error

    def _find(name: str) -> Any:
        if name.startswith("__"):  # Python itself asks for such names, and takes no for an answer
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        raise _missing


__getattr__ = _or_say_what_is_missing(_find)
