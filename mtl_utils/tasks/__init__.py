"""What a task is (`task`), and the kinds that most problems need (`kinds`)."""

from mtl_utils.tasks.checks import check_tasks, target_of
from mtl_utils.tasks.kinds import classification, grid_regression, pixel_classification, pixel_regression, regression
from mtl_utils.tasks.task import MISSING_CLASS, Batch, Loss, Targets, Task

__all__ = [
    "MISSING_CLASS",
    "Batch",
    "Loss",
    "Targets",
    "Task",
    "check_tasks",
    "classification",
    "grid_regression",
    "pixel_classification",
    "pixel_regression",
    "regression",
    "target_of",
]
