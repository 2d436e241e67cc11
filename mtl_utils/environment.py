"""Whether this computer is ready for the course: a line for each thing that has to be right, and what to do where it is not."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, requires, version

import torch

from mtl_utils.data.sources import DataFileError, load_source
from mtl_utils.device import choose_device


def check_environment() -> bool:
    """Print what is there and what is not, in words. Nothing is changed or downloaded.

    Returns:
        Whether everything is ready.
    """
    print(f"✓ Python {platform.python_version()}")
    problems = _packages() + _images()

    device = choose_device().type
    print(f"✓ computes on {device} with {torch.get_num_threads()} threads, on {platform.system()} {platform.machine()}")
    if problems:
        print(f"✗ {len(problems)} thing(s) to mend: see the lines with ✗ above")
    else:
        print("✓ ready")
    return not problems


def _packages() -> list[str]:
    from packaging.requirements import Requirement

    problems = []
    try:
        wanted = [Requirement(line) for line in requires("mtl-utils") or []]
    except PackageNotFoundError:
        return [_problem("the course's own package is not installed in this kernel: run `pip install -r requirements.txt`")]
    for requirement in wanted:
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            problems.append(_problem(f"{requirement.name} is missing: run `pip install -r requirements.txt`"))
            continue
        if requirement.specifier.contains(found, prereleases=True):
            print(f"✓ {requirement.name} {found}")
        else:
            problems.append(
                _problem(f"{requirement.name} {found} is not {requirement.specifier}: run `pip install -r requirements.txt`")
            )
    return problems


def _images() -> list[str]:
    problems = []
    for name in ("MNIST", "FashionMNIST"):
        try:
            count = sum(len(load_source(name, train=train).labels) for train in (True, False))
            print(f"✓ {name}: {count:,} images, as published")
        except DataFileError as error:
            problems.append(_problem(str(error)))
    return problems


def _problem(text: str) -> str:
    print(f"✗ {text}")
    return text
