"""What a model reaches on a split, and what it says about image files that have no labels."""

from mtl_utils.evaluation.measuring import Evaluation, evaluate, evaluate_batches, predict, predict_boxes, predict_files

__all__ = ["Evaluation", "evaluate", "evaluate_batches", "predict", "predict_boxes", "predict_files"]
