"""The rooms of the house: a lower one never imports a higher one, and what is heavy is loaded when it is first used."""

import itertools
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import mtl_utils

ROOT = Path(__file__).parents[2]


def floors():
    """The rooms of each floor, lowest first, as import-linter knows them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    return [set(re.findall(r"\w+", layer)) for layer in reversed(layers)]


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


def test_contributing_draws_the_floors_as_they_are():
    picture = re.search(r"```mermaid\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.DOTALL)
    arrows = [line.split("-->") for line in picture[1].splitlines() if "-->" in line]
    joined = [(re.match(r"\w+", above.strip())[0], below.strip()) for (_, above), (below, _) in itertools.pairwise(arrows)]
    assert all(above == below for above, below in joined)
    drawn = [arrows[0][0], *(above for _, above in arrows)]
    assert [set(re.findall(r"\w+", re.sub(r'\w+\["(.*)"\]', r"\1", room))) for room in drawn] == floors()


def test_the_readmes_table_is_in_the_order_of_the_floors():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in readme[readme.index("| room |") :].splitlines() if line.startswith("| [")]
    rooms = [room for row in rows for room in re.findall(r"`(\w+)`", row)]
    number = {room: index for index, floor in enumerate(floors()) for room in floor}
    assert [number[room] for room in rooms] == sorted(number[room] for room in rooms)
    assert set(rooms) == set(number) - {"_checks"}
