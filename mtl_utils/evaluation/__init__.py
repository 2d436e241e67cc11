"""What a model reaches on a split (`measuring`), and what it says about image files that have no labels (`files`)."""

from mtl_utils.evaluation.files import predict_boxes, predict_files
from mtl_utils.evaluation.measuring import Evaluation, evaluate, evaluate_batches, predict

__all__ = ["Evaluation", "evaluate", "evaluate_batches", "predict", "predict_boxes", "predict_files"]
