"""Whether this computer is ready for the course: a line for each thing that has to be right, and what to do where it is not."""

from __future__ import annotations

import importlib
import platform
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, requires, version

from mtl_utils.course.printing import print_line

# Nothing that may be missing is imported above, so that this module can say so.
_INSTALL = "run `pip install -r requirements.txt`"
# Packages whose module has another name.
_MODULES = {"cvxpy-base": "cvxpy", "lazy-loader": "lazy_loader", "pillow": "PIL"}
_OF_THE_SERVER = {"jupyterlab"}  # runs beside the kernel; importing it here would only cost time


def check_environment() -> bool:
    """Print what is there and what is not, in words. Nothing is changed or downloaded.

    Returns:
        Whether everything is ready.
    """
    print_line(f"✓ Python {platform.python_version()}")
    problems = _packages()
    for look in (_images, _device):
        problems += _found(look)
    if problems:
        print_line(f"✗ {len(problems)} thing(s) to mend: see the lines with ✗ above")
    else:
        print_line("✓ ready")
    return not problems


def _packages() -> list[str]:
    """Problems with the packages that the course asks for: not installed, of a wrong version, or not to be imported."""
    try:
        from packaging.requirements import Requirement

        wanted = [Requirement(line) for line in requires("mtl-utils") or []]
    except PackageNotFoundError:
        return [_problem(f"the course's own package is not installed in this kernel: {_INSTALL}")]
    except ImportError:
        return [_problem(f"packaging is missing: {_INSTALL}")]
    problems = []
    for requirement in wanted:
        name = requirement.name
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue  # an extra that nobody needs for the course, or another platform's
        try:
            found = version(name)
            if name not in _OF_THE_SERVER:
                importlib.import_module(_MODULES.get(name, name))
        except PackageNotFoundError:
            problems.append(_problem(f"{name} is missing: {_INSTALL}"))
        except Exception as error:  # whatever a broken package raises (torchvision beside another torch: RuntimeError)
            problems.append(_problem(f"{name} {found} is installed, but cannot be imported ({error}): {_INSTALL}"))
        else:
            if requirement.specifier.contains(found, prereleases=True):
                print_line(f"✓ {name} {found}")
            else:
                problems.append(_problem(f"{name} {found} is not {requirement.specifier}: {_INSTALL}"))
    return problems


def _images() -> list[str]:
    from mtl_utils.datasets.sources import DataFileError, load_source

    problems = []
    for name in ("MNIST", "FashionMNIST"):
        try:
            count = sum(len(load_source(name, train=train).labels) for train in (True, False))
            print_line(f"✓ {name}: {count:,} images, as published")
        except DataFileError as error:
            problems.append(_problem(str(error)))
    return problems


def _device() -> list[str]:
    import torch

    from mtl_utils.device import choose_device

    device, count = choose_device().type, torch.get_num_threads()
    threads = "1 thread" if count == 1 else f"{count} threads"
    print_line(f"✓ computes on {device} with {threads}, on {platform.system()} {platform.machine()}")
    return []


def _found(look: Callable[[], list[str]]) -> list[str]:
    """The problems that are found, or that looking was impossible."""
    try:
        return look()
    except ImportError as error:
        return [_problem(f"{look.__name__.strip('_')}: cannot be looked at, since {error.name} cannot be imported")]


def _problem(text: str) -> str:
    print_line(f"✗ {text}")
    return text
