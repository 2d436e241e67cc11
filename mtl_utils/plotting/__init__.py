"""Every figure: functions that take and return matplotlib `Axes`."""

from mtl_utils.plotting.alternative import describe, describe_picture
from mtl_utils.plotting.boxes import show_objects
from mtl_utils.plotting.clip import Clip, clip
from mtl_utils.plotting.colors import task_color, task_colors
from mtl_utils.plotting.comparisons import plot_comparison, plot_spread
from mtl_utils.plotting.confusion import joint_errors, plot_confusion, plot_joint_errors
from mtl_utils.plotting.folders import plot_description
from mtl_utils.plotting.gradients import method_color, plot_paths, plot_valleys
from mtl_utils.plotting.histories import plot_history, plot_weights, smoothed
from mtl_utils.plotting.images import show_image, show_split
from mtl_utils.plotting.pareto import plot_front
from mtl_utils.plotting.prices import plot_prices
from mtl_utils.plotting.scene_targets import show_displacements, show_heat
from mtl_utils.plotting.scenes import (
    show_boxes,
    show_class_map,
    show_depth_map,
    show_masks,
    show_scene,
    show_tracks,
    show_video,
)
from mtl_utils.plotting.sharing import plot_sharing
from mtl_utils.plotting.soft_sharing import plot_alphas, plot_gates, plot_masks, plot_similarity
from mtl_utils.plotting.thresholds import plot_threshold
from mtl_utils.plotting.tracks import show_tracked_frame, show_tracked_video

__all__ = [
    "Clip",
    "clip",
    "describe",
    "describe_picture",
    "joint_errors",
    "method_color",
    "plot_alphas",
    "plot_comparison",
    "plot_confusion",
    "plot_description",
    "plot_front",
    "plot_gates",
    "plot_history",
    "plot_joint_errors",
    "plot_masks",
    "plot_paths",
    "plot_prices",
    "plot_sharing",
    "plot_similarity",
    "plot_spread",
    "plot_threshold",
    "plot_valleys",
    "plot_weights",
    "show_boxes",
    "show_class_map",
    "show_depth_map",
    "show_displacements",
    "show_heat",
    "show_image",
    "show_masks",
    "show_objects",
    "show_scene",
    "show_split",
    "show_tracked_frame",
    "show_tracked_video",
    "show_tracks",
    "show_video",
    "smoothed",
    "task_color",
    "task_colors",
]
