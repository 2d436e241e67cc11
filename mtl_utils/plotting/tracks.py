"""Tracks in frames: boxes, masks, who hides whom, identities and trails; and a clip of them that plays without a kernel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle
from torch import Tensor

from mtl_utils.plotting.axes import axes_grid
from mtl_utils.plotting.images import show_image
from mtl_utils.plotting.scenes import track_color
from mtl_utils.tracking import TrackedFrame

_EDGE = [patheffects.withStroke(linewidth=2.4, foreground="#000000bb")]


def show_tracked_frame(
    video: Tensor,
    frames: Sequence[TrackedFrame],
    frame: int,
    ax: Axes | None = None,
    *,
    class_names: Sequence[str] | None = None,
    boxes: bool = True,
    masks: bool = True,
    trails: bool = True,
) -> Axes:
    """One frame with what was found in it, or what is true: each object in its track's color.

    Nearer objects are drawn over farther ones, if the frame has depths. A trail is where the middle of the box was so far.

    Args:
        video: `uint8` `[T, C, H, W]`; channels beyond the third (the frame before) are left out.
        frames: T frames of one video.
        frame: which.
        ax: where to draw.
        class_names: writes each box's class beside its track.
        boxes, masks, trails: what to draw.

    Example:
        >>> from mtl_utils import datasets, tracking
        >>> scenes = datasets.moving_scenes(1, 1, 1, frames=2, size=32).train
        >>> ax = show_tracked_frame(scenes.videos[0], tracking.true_frames(scenes, 0), frame=1)
        >>> ax.images[0].get_array().shape
        (32, 32, 3)
    """
    now = frames[frame]
    picture = video[frame, :3] if video.shape[1] >= 3 else video[frame, :1]
    ax = show_image(_tinted(picture, now) if masks and now.instances is not None else picture, ax)
    for rank, row in enumerate(_far_to_near(now)):
        track = int(now.tracks[row])
        color, level = track_color(track), 2 + 0.01 * rank
        if trails:
            path = _path(frames[: frame + 1], track)
            ax.plot(*path.T, color=color, lw=1.1, marker="o", ms=1.8, path_effects=_EDGE, zorder=level)
        if boxes:
            # imshow centers pixel (0, 0) on the point (0, 0), boxes count its edges.
            x0, y0, x1, y1 = (now.boxes[row] - 0.5).tolist()
            ax.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, ec=color, lw=1.5, path_effects=_EDGE, zorder=level))
            name = f"#{track}" if class_names is None else f"#{track} {class_names[int(now.classes[row])]}"
            y, side = (y0 - 0.8, "bottom") if y0 > 6 else (y1 + 0.8, "top")
            # A name never leaves the picture: at the right edge it ends with its box.
            x, end = (x0, "left") if x0 < 0.7 * picture.shape[-1] else (x1, "right")
            tag = {"facecolor": color, "edgecolor": "none", "pad": 0.6}
            ax.text(x, y, name, color="black", fontsize=6.5, va=side, ha=end, bbox=tag, clip_on=True, zorder=4)
    height, width = picture.shape[-2:]
    ax.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    return ax


def show_tracked_video(
    video: Tensor,
    rows: dict[str, Sequence[TrackedFrame]],
    axes: Sequence[Axes] | None = None,
    *,
    every: int = 1,
    class_names: Sequence[str] | None = None,
    masks: bool = True,
    trails: bool = True,
) -> list[Axes]:
    """Frames of a video side by side, one line for each of `rows`, such as `{"predicted": found, "true": true}`.

    Args:
        video: `uint8` `[T, C, H, W]`.
        rows: what to draw in each line, by name.
        axes: where to draw.
        every: draw each so many-th frame.
        class_names, masks, trails: as for `show_tracked_frame`.

    Example:
        >>> from mtl_utils import datasets, tracking
        >>> scenes = datasets.moving_scenes(1, 1, 1, frames=4, size=32).train
        >>> axes = show_tracked_video(scenes.videos[0], {'true': tracking.true_frames(scenes, 0)}, every=2)
        >>> [ax.get_title() for ax in axes]
        ['frame 0', 'frame 2']
    """
    times = range(0, len(video), every)
    grid = axes_grid(axes, len(rows), len(times), size=(1.5, 1.6))
    for line, (name, frames) in enumerate(rows.items()):
        for column, time in enumerate(times):
            ax = grid[line * len(times) + column]
            show_tracked_frame(video, frames, time, ax, class_names=class_names, masks=masks, trails=trails)
            if line == 0:
                ax.set_title(f"frame {time}", fontsize=8)
            if column == 0:
                ax.set_ylabel(name, fontsize=9)
    return grid


def _far_to_near(frame: TrackedFrame) -> list[int]:
    """Rows in the order in which they are painted."""
    if frame.depths is None:
        return list(range(len(frame)))
    order: list[int] = frame.depths.argsort(descending=True, stable=True).tolist()
    return order


def _tinted(picture: Tensor, frame: TrackedFrame) -> Tensor:
    """The frame `uint8` `[3, H, W]`: dimmed background, each object's pixels in its track's color."""
    assert frame.instances is not None
    gray = picture.float().mean(0)
    color = picture.float().expand(3, -1, -1) * 0.75
    for number, track in enumerate(frame.tracks.tolist(), start=1):
        mask = frame.instances == number
        tint = gray.new_tensor(to_rgb(track_color(track))).view(3, 1)
        color[:, mask] = tint * (110 + 0.57 * gray[mask])
    return color.clamp(0, 255).byte()


def _path(frames: Sequence[TrackedFrame], track: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Middles of a track's boxes `[n, 2]` in the coordinates of `imshow`; `NaN` in a frame without it, so that lines break."""
    points = []
    for frame in frames:
        rows = (frame.tracks == track).nonzero().flatten()
        points.append(frame.centers[rows[0]].numpy() - 0.5 if len(rows) else np.full(2, np.nan, dtype=np.float32))
    return np.stack(points)
