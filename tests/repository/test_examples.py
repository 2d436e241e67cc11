"""The examples in docstrings do what they say."""

import doctest
import importlib
import pkgutil

import pytest

import mtl_utils

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(mtl_utils.__path__, "mtl_utils.")
    if not module.name.rsplit(".", 1)[-1].startswith("__main__")
)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
ROOMS = ["analysis", "balancing", "course", "datasets", "evaluation", "experiments", "lab", "measures", "models", "penalties"]
ROOMS += ["plotting", "problems", "randomness", "tasks", "tracking", "training"]


def examples_in(name):
    module = importlib.import_module(name)
    return [test for test in doctest.DocTestFinder(exclude_empty=True).find(module, name) if test.examples]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    for test in examples_in(name):
        said = []
        failed, tried = doctest.DocTestRunner(optionflags=FLAGS, verbose=False).run(test, out=said.append)
        assert failed == 0, "".join(said)
        assert tried


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_has_examples(room):
    names = [name for name in MODULES if name == f"mtl_utils.{room}" or name.startswith(f"mtl_utils.{room}.")]
    assert sum(len(examples_in(name)) for name in names) >= 1, f"no docstring in {room} has an example"
