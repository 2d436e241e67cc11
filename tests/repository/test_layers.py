"""The rooms of the house: a lower one never imports a higher one, and what is heavy is loaded when it is first used."""

import subprocess
import sys
from pathlib import Path

import pytest

import mtl_utils

ROOT = Path(__file__).parents[2]


def test_a_room_imports_no_higher_one():
    done = subprocess.run([Path(sys.executable).with_name("lint-imports")], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def loaded_after(statement):
    code = f"import sys\n{statement}\nprint(' '.join({{name.split('.')[0] for name in sys.modules}}))"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_the_rooms_below_plotting_load_nothing_heavy():
    loaded = loaded_after(
        "from mtl_utils import analysis, balancing, datasets, evaluation, measures, models, penalties, problems, training\n"
        "from mtl_utils.course import claims"
    )
    assert "torchvision" in loaded
    assert not loaded & {"torchmetrics", "torchjd", "pandas", "matplotlib", "ipywidgets", "IPython", "scipy", "joblib"}


def test_the_package_itself_loads_nothing_at_all():
    assert not loaded_after("import mtl_utils") & {"torch", "torchvision", "numpy", "matplotlib"}


@pytest.mark.parametrize("name", sorted(dir(mtl_utils)))
def test_every_public_name_is_there(name):
    assert getattr(mtl_utils, name) is not None


def test_rooms_and_functions_are_reached_from_the_package_alone():
    code = "import mtl_utils; print(mtl_utils.models.lenet().__class__.__name__, mtl_utils.fit.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["Sequential", "fit"]
