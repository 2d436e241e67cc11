"""The examples in docstrings do what they say, and every public name has one."""

import doctest
import functools
import importlib
import inspect
import pkgutil
import tempfile
from pathlib import Path

import matplotlib as mpl
import pytest

import mtl_utils
from mtl_utils.datasets import sources

mpl.use("Agg")
ROOT = Path(__file__).parents[2]
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(mtl_utils.__path__, "mtl_utils.")
    if not module.name.rsplit(".", 1)[-1].startswith("__main__")
)
ROOMS = sorted(module.name for module in pkgutil.iter_modules(mtl_utils.__path__) if not module.name.startswith("_"))
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
# Public names that need no example of their own, since another name's example shows them: the one that makes or returns them,
# or, for a base class, one of its kind. Exceptions need none either: they are shown where they are raised.
SHOWN_BY = {
    "tasks": {"Task": "classification"},
    "measures": {"Interval": "mean_interval"},
    "datasets": {
        "Boxes": "boxes_in_targets",
        "Detection": "detection",
        "FolderSplits": "from_table",
        "MovingScenes": "moving_scenes",
        "Scenes": "moving_scenes",
        "Source": "load_source",
    },
    "models": {
        "Columns": "twin_columns",
        "CrossStitch": "cross_stitch",
        "CrossedColumns": "cross_stitch",
        "Crossing": "CrossStitchUnit",
        "CustomizedGateControl": "customized_gate_control",
        "HardSharing": "hard_sharing",
        "HasTasks": "hard_sharing",
        "MTAN": "mtan",
        "MixtureOfExperts": "mixture_of_experts",
        "NDDR": "nddr",
        "ParetoManifold": "pareto_manifold",
        "Part": "MultiTaskModel",
        "SceneNetwork": "scene_network",
        "SeparateNetworks": "separate_networks",
        "TwinColumns": "twin_columns",
    },
    "evaluation": {"Evaluation": "evaluate"},
    "training": {"History": "fit", "Step": "train"},
    "analysis": {"Conflict": "measure_conflict", "Pull": "measure_pull"},
    "problems": {"Paths": "load_paths"},
    "tracking": {"BoxFate": "box_fates", "Detections": "decode", "TrackMeasures": "measure_tracks"},
    "experiments": {"SweepPoint": "sweep_weights"},
    "plotting": {"Clip": "clip"},
}


@pytest.fixture(scope="module", autouse=True)
def archives_are_read_once():
    """Most examples begin with a small data set. Reading and checking the archives would be most of their time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sources, "_read_archive", functools.cache(sources._read_archive))
        yield


def examples_in(name):
    module = importlib.import_module(name)
    return [test for test in doctest.DocTestFinder(exclude_empty=True).find(module, name) if test.examples]


def without_example(room):
    """The functions and classes of a room, but exceptions, that have no example. Constants and types have no docstring."""
    face = importlib.import_module(f"mtl_utils.{room}")
    public = {name: getattr(face, name) for name in face.__all__}
    return {
        name
        for name, thing in public.items()
        if callable(thing)
        and not hasattr(thing, "__origin__")  # `dict[str, Tensor]` and its like
        and not (inspect.isclass(thing) and issubclass(thing, BaseException))
        and ">>> " not in (thing.__doc__ or "")
    }


@pytest.mark.parametrize("name", MODULES)
def test_examples(name, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)  # examples name the studies' results as `studies/…`
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for test in examples_in(name):
        said = []
        failed, tried = doctest.DocTestRunner(optionflags=FLAGS, verbose=False).run(test, out=said.append)
        assert failed == 0, "".join(said)
        assert tried


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_name_has_an_example(room):
    """If a new name fails here, write an example in its docstring."""
    assert without_example(room) == set(SHOWN_BY.get(room, {}))


def test_what_shows_another_name_has_an_example():
    for room, shown in SHOWN_BY.items():
        face = importlib.import_module(f"mtl_utils.{room}")
        assert all(other in face.__all__ and ">>> " in getattr(face, other).__doc__ for other in shown.values()), room
