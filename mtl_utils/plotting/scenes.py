"""Moving scenes with their labels: boxes, classes, masks, depth, tracks. An object keeps its color in all frames."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, to_rgb
from matplotlib.patches import Rectangle
from torch import Tensor

from mtl_utils.datasets.moving_scenes import Scenes
from mtl_utils.datasets.moving_scenes.motion import BACKGROUND_DEPTH, NEAREST
from mtl_utils.plotting.axes import axes_grid, axes_or_new
from mtl_utils.plotting.colors import task_color
from mtl_utils.plotting.images import show_image

# Color-blind safe, and light enough to be seen on dark backgrounds (Okabe & Ito, "Color universal design", 2008).
_TRACKS = ("#56B4E9", "#E69F00", "#F0E442", "#CC79A7", "#009E73", "#D55E00", "#FFFFFF")
# Eleven kinds of pixel: no palette keeps so many apart for every eye, so names are written on them too.
CLASS_COLORS = ("#1a1a1a", *(f"C{number}" for number in range(10)))
_OUTLINE = [patheffects.withStroke(linewidth=2, foreground="#000000aa")]


def track_color(track: int) -> str:
    """The color of an object, the same in all frames."""
    return _TRACKS[track % len(_TRACKS)]


def show_boxes(scenes: Scenes, scene: int, frame: int, ax: Axes | None = None, *, names: bool = True) -> Axes:
    """A frame with the box, and the class, of everything that is visible.

    Args:
        scenes: videos with labels.
        scene, frame: which.
        ax: where to draw.
        names: whether to write classes.

    Example:
        >>> from mtl_utils import datasets
        >>> scenes = datasets.moving_scenes(1, 1, 1, frames=2, size=32).train
        >>> visible = int((scenes.visibility[0, 0] > 0).sum())
        >>> len(show_boxes(scenes, scene=0, frame=0).patches) == visible  # a box for each
        True
    """
    ax = show_image(scenes.videos[scene, frame], ax)
    for k in np.flatnonzero(scenes.visibility[scene, frame] > 0).tolist():
        x0, y0, x1, y1 = scenes.boxes[scene, frame, k].tolist()
        color = track_color(k)
        # imshow centres pixel (0, 0) on the point (0, 0), boxes count its edges.
        ax.add_patch(Rectangle((x0 - 0.5, y0 - 0.5), x1 - x0, y1 - y0, fill=False, edgecolor=color, linewidth=1.4))
        if names:
            name = scenes.class_names[int(scenes.classes[scene, frame, k])]
            # Above the box, or under it where the frame ends.
            y, side = (y0 - 1.2, "bottom") if y0 > 6 else (y1 + 0.4, "top")
            tag = {"facecolor": color, "edgecolor": "none", "pad": 0.6}
            ax.text(x0, y, name, color="black", fontsize=6.5, va=side, bbox=tag, clip_on=True)
    return ax


def show_video(
    scenes: Scenes, scene: int, axes: Sequence[Axes] | None = None, *, boxes: bool = True, columns: int = 8
) -> list[Axes]:
    """All frames of a video, with boxes by default.

    Example:
        >>> from mtl_utils import datasets
        >>> scenes = datasets.moving_scenes(1, 1, 1, frames=4, size=32).train
        >>> len(show_video(scenes, scene=0))
        4
    """
    grid = axes_grid(axes, -(-scenes.frame_count // columns), min(columns, scenes.frame_count), size=(1.35, 1.5))
    for frame, ax in zip(range(scenes.frame_count), grid, strict=False):
        if boxes:
            show_boxes(scenes, scene, frame, ax, names=False)
        else:
            show_image(scenes.videos[scene, frame], ax)
        ax.set_title(f"frame {frame}", fontsize=8)
    for ax in grid[scenes.frame_count :]:
        ax.set_axis_off()
    return grid


def show_class_map(class_map: Tensor, class_names: Sequence[str], ax: Axes | None = None) -> Axes:
    """Per-pixel classes (labels or predictions), each class with its name on its largest patch.

    Args:
        class_map: `[H, W]`, 0 for background, c + 1 for class c.
        class_names: names of the classes without the background.
        ax: where to draw.

    Example:
        >>> import torch
        >>> class_map = torch.zeros(32, 32, dtype=torch.int64)
        >>> class_map[8:24, 8:24] = 2
        >>> [text.get_text() for text in show_class_map(class_map, ['cat', 'dog']).texts]
        ['dog']
    """
    ax = _bare(axes_or_new(ax, size=(2.2, 2.4)))
    classes = class_map.cpu().numpy()
    if classes.ndim != 2 or classes.min() < 0 or classes.max() > len(class_names):
        raise ValueError(
            f"a class map is [H, W] with numbers from 0 (background) to {len(class_names)}, one for each class name, not "
            f"{classes.shape} from {classes.min()} to {classes.max()}"
        )
    ax.imshow(classes, cmap=ListedColormap(CLASS_COLORS), vmin=-0.5, vmax=10.5, interpolation="nearest")
    for number in np.unique(classes[classes > 0]):
        rows, columns = np.nonzero(classes == number)
        if len(rows) >= 12:
            # The pixel of this class that is nearest to the middle of them all: the name stands on its own color.
            at = np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2)
            ax.text(
                columns[at], rows[at], class_names[number - 1],
                color="white", fontsize=7, ha="center", va="center", path_effects=_OUTLINE, clip_on=True,
            )  # fmt: skip
    return ax


def show_depth_map(depth_map: Tensor, ax: Axes | None = None) -> Axes:
    """Per-pixel depth (labels or predictions) `[H, W]`: the nearer, the lighter; from 1 (nearest) to 3 (background).

    Example:
        >>> import torch
        >>> ax = show_depth_map(torch.tensor([[1.0, 3.0]]))  # a near pixel, and background
        >>> ax.images[0].get_clim()
        (1.0, 3.0)
    """
    ax = _bare(axes_or_new(ax, size=(2.2, 2.4)))
    ax.imshow(depth_map.cpu().numpy(), cmap="cividis_r", vmin=NEAREST, vmax=BACKGROUND_DEPTH, interpolation="nearest")
    return ax


def show_masks(scenes: Scenes, scene: int, frame: int, ax: Axes | None = None) -> Axes:
    """A frame in gray with the visible pixels of every object in its track's color.

    Example:
        >>> from mtl_utils import datasets
        >>> scenes = datasets.moving_scenes(1, 1, 1, frames=2, size=32).train
        >>> show_masks(scenes, scene=0, frame=0).images[0].get_array().shape
        (32, 32, 3)
    """
    gray = scenes.videos[scene, frame].float().mean(0).numpy() / 255
    picture = np.repeat(gray[..., None], 3, axis=2) * 0.6
    instances = scenes.instances[scene, frame].numpy()
    for k in range(scenes.places):
        mask = instances == k + 1
        picture[mask] = np.array(to_rgb(track_color(k))) * (0.55 + 0.45 * gray[mask][:, None])
    ax = _bare(axes_or_new(ax, size=(2.2, 2.4)))
    ax.imshow(picture.clip(0, 1), interpolation="nearest")
    return ax


def show_tracks(scenes: Scenes, scene: int, frame: int, ax: Axes | None = None) -> Axes:
    """A frame with the paths of all centres so far, and an arrow four times as long as each displacement.

    Example:
        >>> from mtl_utils import datasets
        >>> scenes = datasets.moving_scenes(1, 1, 1, frames=4, size=32, objects=(2, 2)).train
        >>> len(show_tracks(scenes, scene=0, frame=3).lines)  # a path for each object
        2
    """
    ax = show_image(scenes.videos[scene, frame], ax)
    for k in np.flatnonzero(scenes.tracks[scene, frame] >= 0).tolist():
        color = track_color(k)
        path = scenes.centres[scene, : frame + 1, k].numpy() - 0.5
        ax.plot(*path.T, color=color, lw=1.2, marker="o", ms=2.2, path_effects=_OUTLINE)
        if frame > 0:
            dx, dy = 4 * scenes.displacements[scene, frame, k].numpy()
            ax.annotate(
                "", (path[-1, 0] + dx, path[-1, 1] + dy), path[-1],
                arrowprops={"arrowstyle": "->", "color": color, "lw": 1.6, "shrinkA": 0, "shrinkB": 0},
            )  # fmt: skip
    height, width = scenes.videos.shape[-2:]
    ax.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    return ax


def show_scene(scenes: Scenes, scene: int, frame: int, axes: Sequence[Axes] | None = None) -> list[Axes]:
    """One frame and all that is labelled in it, side by side: boxes, classes, masks, depth and tracks (five axes).

    Example:
        >>> from mtl_utils import datasets
        >>> scenes = datasets.moving_scenes(1, 1, 1, frames=2, size=32).train
        >>> show_scene(scenes, scene=0, frame=1)[3].get_title()
        'depth per pixel'
    """
    grid = axes_grid(axes, 1, 5, size=(2.2, 2.4))
    show_boxes(scenes, scene, frame, grid[0])
    show_class_map(scenes.class_maps[scene, frame], scenes.class_names, grid[1])
    show_masks(scenes, scene, frame, grid[2])
    show_depth_map(scenes.depth_maps[scene, frame], grid[3])
    show_tracks(scenes, scene, frame, grid[4])
    titles = {
        "detection: box, class": "detection",
        "segmentation: class per pixel": "segmentation",
        "instances: mask per object": "segmentation",
        "depth per pixel": "depth",
        "tracking: path, displacement": "tracking",
    }
    for ax, (title, task) in zip(grid, titles.items(), strict=False):
        ax.set_title(title, fontsize=9, color=task_color(task))
    return grid


def _bare(ax: Axes) -> Axes:
    ax.set_xticks([])
    ax.set_yticks([])
    return ax
