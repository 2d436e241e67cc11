"""The rooms of the house: a lower one never imports a higher one, and what is heavy is loaded when it is first used."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import mtl_utils

ROOT = Path(mtl_utils.__file__).parent
# Rooms by floor, the lowest first. Models may be built for a split's tasks, and balancers ask a model which parameters are
# shared: so data lie below models, and models below balancing.
FLOORS = [
    {"tasks", "metrics", "randomness", "device", "evaluation_mode", "pareto"},
    {"data", "similarity"},
    {"models"},
    {"balancing", "regularisation"},
    {"evaluation"},
    {"choosing", "history"},
    {"training"},
    {"sweeping"},
    {"plotting"},
    {"lab", "checks", "claims", "environment"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def room_of(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported_rooms(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            names = [f"{node.module}.{each.name}" for each in node.names]
        elif isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        for name in names:
            if name.startswith("mtl_utils."):
                yield name.split(".")[1], node.lineno


FILES = [path for path in sorted(ROOT.rglob("*.py")) if path != ROOT / "__init__.py"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_imports_no_higher_one(path):
    own = room_of(path)
    for room, number in imported_rooms(path):
        assert FLOOR[room] < FLOOR[own] or room == own, f"{path}:{number}: {own} imports {room}"


def test_every_room_has_a_floor():
    assert {room_of(path) for path in FILES} == set(FLOOR)


def loaded_after(statement):
    code = f"import sys\n{statement}\nprint(' '.join({{name.split('.')[0] for name in sys.modules}}))"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_the_rooms_below_plotting_load_nothing_heavy():
    below = sorted(room for room, floor in FLOOR.items() if floor < FLOOR["plotting"])
    loaded = loaded_after(f"from mtl_utils import {', '.join([*below, 'claims', 'checks'])}")
    assert "mtl_utils" in loaded
    assert "torchvision" in loaded
    assert not loaded & {"torchmetrics", "torchjd", "pandas", "matplotlib", "ipywidgets", "IPython", "scipy"}


def test_the_package_itself_loads_nothing_at_all():
    assert not loaded_after("import mtl_utils") & {"torch", "torchvision", "numpy", "matplotlib"}
