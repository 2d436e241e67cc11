"""A small path leads through the library: few files, in reading order, that need little from elsewhere."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
# What the files of the path use from elsewhere. CONTRIBUTING names the important ones. Add to this list with care.
ELSEWHERE = {
    "_checks": {"check_positive"},
    "balancing": {"Balancer", "WeightedSum"},
    "datasets.batches": {"Batches", "Data", "training_data"},
    "datasets.checks": {"check_images", "check_names", "check_normalization"},
    "datasets.on_demand": {"OnDemand", "read_ahead", "some_rows"},
    "datasets.pixels": {"Normalization", "Pixels", "measure_normalization"},
    "device": {"choose_device"},
    "evaluation": {"Evaluation", "evaluate_batches"},
    "models.base": {"HasTasks", "MultiTaskModel", "Part", "check_data"},
    "models.encoders.stages": {"EncoderFactory"},
    "models.forward": {"labelled_losses"},
    "models.heads": {"build_encoder_and_heads"},
    "penalties": {"Penalty"},
    "randomness": {"RandomState", "seeded"},
    "tasks.known": {"LOSSES", "METRICS"},
    "training.arguments": None,  # checks of arguments, which a reader passes over
    "training.best_weights": {"BestWeights"},
    "training.choosing": {"Chooser", "mean_improvement"},
    "training.soundness": {"NonFiniteLossError", "check_penalty_is_ours", "checked_penalty"},
    "training.optimizer": {"OptimizerFactory", "adam", "make_optimizer", "make_schedule"},
    "": {"randomness"},
}


def path_files(document):
    part = re.search(r"<!-- small path -->(.*?)<!-- end -->", (ROOT / document).read_text(encoding="utf-8"), re.DOTALL)
    assert part, f"{document} names no small path"
    return re.findall(r"\]\((mtl_utils/[^)]+\.py)\)", part[1])


def test_readme_and_contributing_name_the_same_files():
    assert path_files("README.md") == path_files("CONTRIBUTING.md")
    assert 5 <= len(path_files("README.md")) <= 9


def test_the_path_is_short():
    lines = {name: len((ROOT / name).read_text(encoding="utf-8").splitlines()) for name in path_files("CONTRIBUTING.md")}
    assert sum(lines.values()) < 900, lines


def test_the_path_needs_little_from_elsewhere():
    names = path_files("CONTRIBUTING.md")
    on_the_path = {name.removesuffix(".py").replace("/", ".") for name in names}
    for name in names:
        tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("mtl_utils"):
                where = node.module.removeprefix("mtl_utils").removeprefix(".")
                if node.module in on_the_path or where == "tasks":  # `tasks` hands on what tasks/task.py has
                    continue
                assert where in ELSEWHERE, f"{name} imports from mtl_utils.{where}"
                allowed = ELSEWHERE[where]
                imported = {alias.name for alias in node.names}
                assert allowed is None or imported <= allowed, f"{name} imports {imported - allowed} from {where}"
