"""Pairs of frames, the present one and the one before, as an ordinary split with the four tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from mtl_utils.datasets.dataset import MultiTaskDataset
from mtl_utils.datasets.moving_scenes.scenes import MovingScenes, Scenes
from mtl_utils.datasets.moving_scenes.targets import detection_targets, tracking_targets
from mtl_utils.datasets.moving_scenes.tasks import NAMES, scene_tasks
from mtl_utils.datasets.splits import Splits
from mtl_utils.tasks import Task

Labelled = Mapping[str, Tensor | Sequence[int] | slice]


def pairs_of(scenes: Scenes, *, tasks: Sequence[str] = NAMES, labelled: Labelled | None = None) -> MultiTaskDataset:
    """Each frame with the one before it as an image of six channels, and the targets of the four tasks.

    Image n is frame `n % T` of video `n // T`. Channels 0 to 2 are the frame, 3 to 5 the frame before; in a video's first frame
    that is the frame itself, and there is no displacement to learn.

    Args:
        scenes: the videos. Gray ones (one channel) give images of two channels.
        tasks: which of `detection`, `segmentation`, `depth` and `tracking`, in this order.
        labelled: for some tasks the numbers of the videos that are labelled for them, such as `{"segmentation": range(50)}`.
            The other videos have no label of that task. A task that is not named is labelled everywhere.

    Raises:
        ValueError: in words, for a task that there is none, and for tracking in videos of one frame.
    """
    known: dict[str, Task] = {task.name: task for task in scene_tasks(scenes.class_names)}
    if not tasks:
        raise ValueError(f"at least one task is needed, of {list(known)}")
    for name in (*tasks, *(labelled or ())):
        if name not in known:
            raise ValueError(f"moving scenes have no task '{name}'; the tasks are {list(known)}")
    if "tracking" in tasks and scenes.frame_count == 1:
        others = tuple(name for name in tasks if name != "tracking")
        raise ValueError(f"task 'tracking' needs videos of two frames or more, these have one; leave it out: tasks={others}")
    targets = {}
    for name in tasks:
        target = _TARGETS[name](scenes)
        if labelled is not None and name in labelled:
            target = _only(target, labelled[name], scenes, known[name])
        targets[name] = target
    before = torch.cat([scenes.videos[:, :1], scenes.videos[:, :-1]], dim=1)
    images = torch.cat([scenes.videos, before], dim=2).flatten(0, 1)
    return MultiTaskDataset(images, targets, [known[name] for name in tasks])


def all_pairs(scenes: MovingScenes, *, tasks: Sequence[str] = NAMES, labelled: Labelled | None = None) -> Splits:
    """The same for the three splits. `labelled` is about the videos to train on; the others have every label."""
    return Splits(
        f"{scenes.name}, pairs of frames",
        train=pairs_of(scenes.train, tasks=tasks, labelled=labelled),
        val=pairs_of(scenes.val, tasks=tasks),
        test=pairs_of(scenes.test, tasks=tasks),
    )


_TARGETS: dict[str, Callable[[Scenes], Tensor]] = {
    "detection": detection_targets,
    "segmentation": lambda scenes: scenes.class_maps.flatten(0, 1),
    "depth": lambda scenes: scenes.depth_maps.flatten(0, 1).unsqueeze(1),
    "tracking": tracking_targets,
}


def _only(target: Tensor, videos: Tensor | Sequence[int] | slice, scenes: Scenes, task: Task) -> Tensor:
    """The targets with those of all other videos missing."""
    keep = torch.zeros(len(scenes), dtype=torch.bool)
    try:
        keep[videos if isinstance(videos, slice) else torch.as_tensor(list(videos), dtype=torch.int64)] = True
    except IndexError as error:
        raise ValueError(
            f"task '{task.name}': there are {len(scenes)} videos, numbers 0 to {len(scenes) - 1}: {error}"
        ) from error
    gone = ~keep.repeat_interleave(scenes.frame_count)
    return target.masked_fill(gone.view(-1, *[1] * (target.dim() - 1)), task.missing)
