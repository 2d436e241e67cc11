"""Making moving scenes from MNIST or Fashion-MNIST."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from mtl_utils import randomness
from mtl_utils._checks import check_positive, is_whole
from mtl_utils.datasets.moving_scenes.looks import backgrounds, cut_out, object_colors
from mtl_utils.datasets.moving_scenes.motion import SPEED, Motion, move
from mtl_utils.datasets.moving_scenes.rendering import Objects, Rendered, render
from mtl_utils.datasets.moving_scenes.scenes import MovingScenes, Scenes
from mtl_utils.datasets.pools import draw, source_pools
from mtl_utils.datasets.sources import Source, load_source
from mtl_utils.tasks import MISSING_CLASS

_BYTES_PER_PIXEL = 10  # color, class, object and depth of a pixel
_MOST_BYTES = 64e9
_CHUNK = 16  # scenes rendered at a time: what is in memory besides the result stays small


def moving_scenes(
    train: int = 500,
    val: int = 100,
    test: int = 100,
    *,
    source: str = "FashionMNIST",
    frames: int = 8,
    size: int = 64,
    objects: tuple[int, int] = (2, 4),
    speed: tuple[float, float] = SPEED,
    same_class: bool = False,
    seed: int = 0,
) -> MovingScenes:
    """Short color videos of objects that move, bounce and hide one another, with exact labels.

    Each object is a published image, cut out and colored by chance. It moves straight on in the picture and, slowly, in depth,
    and turns back at the walls; it is the smaller, the deeper it is (size ∝ 1/depth), and nearer objects hide farther ones. The
    background is a still marbled texture. Our own data set; its forebear is Moving MNIST (Srivastava et al., ICML 2015), where
    digits overlap by their sum, without color, depth or occlusion.

    Args:
        train, val, test: how many videos. Validation objects are cut from the published training images, test objects are
            published test images, so that no source image occurs in two splits.
        source: `"FashionMNIST"` or `"MNIST"`.
        frames: frames per video.
        size: height and width in pixels, at least 16. The nearest objects span half of it.
        objects: fewest and most objects in a video.
        speed: slowest and fastest object, in widths of the frame per frame: 1/64 to 4/64 by default, one to four pixels in a
            frame of 64.
        same_class: whether all objects of a video have one class, so that only place and motion tell them apart.
        seed: decides everything that is left to chance.

    Raises:
        ValueError: if an argument makes no sense; says which.

    Example:
        >>> scenes = moving_scenes(train=2, val=1, test=1, frames=3, size=32)
        >>> scenes.train
        Scenes(2 videos of 3 frames of 32×32, up to 4 objects)
        >>> [task.name for task in scenes.pairs().tasks]
        ['detection', 'segmentation', 'depth', 'tracking']
    """
    for part, count in (("train", train), ("val", val), ("test", test)):
        check_positive(f"the number of {part} videos", count)
    check_positive("the number of frames", frames)
    if not is_whole(size) or size < 16:
        raise ValueError(f"frames must be at least 16 pixels high and wide, not {size!r}")
    if not isinstance(objects, Sequence) or len(objects) != 2:
        raise ValueError(f"objects= takes the fewest and the most in a video, such as (2, 4), not {objects!r}")
    fewest, most = objects
    check_positive("the fewest objects in a video", fewest)
    if not is_whole(most) or not fewest <= most <= 50:
        raise ValueError(f"the most objects in a video must be from {fewest} (the fewest) to 50, not {most!r}")
    if not isinstance(speed, Sequence) or len(speed) != 2 or not 0 <= speed[0] <= speed[1] <= 1:
        raise ValueError(
            f"speed= takes the slowest and the fastest, in widths of the frame per frame and at most 1, such as {SPEED}, "
            f"not {speed!r}"
        )
    most_videos = max(train, val, test)
    if (needed := float(most_videos) * frames * size**2 * _BYTES_PER_PIXEL) > _MOST_BYTES:
        raise ValueError(
            f"moving scenes: {most_videos:,} videos of {frames:,} frames of {size}×{size} pixels take "
            f"{needed / 1e9:,.0f} GB, and would not fit into memory; ask for fewer, shorter or smaller ones"
        )
    generator = randomness.generator(seed)
    pools = source_pools(generator)
    splits = {}
    for part, count in (("train", train), ("val", val), ("test", test)):
        published = load_source(source, train=part != "test")
        sources = draw(pools[part], count * most, generator).view(count, most)
        if same_class:
            sources = _one_class(sources, published.labels, pools[part], generator)
        present = torch.arange(most) < torch.randint(fewest, most + 1, (count, 1), generator=generator)
        splits[part] = _scenes(published, source, sources, present, frames, size, speed, generator)
    return MovingScenes(f"moving scenes ({source})", **splits)


def _scenes(
    published: Source,
    kind: str,
    sources: torch.Tensor,
    present: torch.Tensor,
    frames: int,
    size: int,
    speed: tuple[float, float],
    generator: torch.Generator,
) -> Scenes:
    """Scenes of these source images `[S, K]`, as far as they are present `[S, K]`."""
    scenes, places = sources.shape
    motion = move(scenes, frames, places, size, generator, speed)
    hues = object_colors((scenes, places), generator)
    chunks = []
    for start in range(0, scenes, _CHUNK):
        part = slice(start, start + _CHUNK)
        opacity, brightness = cut_out(published.images[sources[part]], kind)
        looks = Objects(opacity, brightness, hues[part], present[part])
        background = backgrounds(len(opacity), size, generator)
        chunks.append(render(looks, Motion(*(tensor[part] for tensor in motion)), background))
    rendered = Rendered(*(torch.cat(tensors) for tensors in zip(*chunks, strict=True)))
    empty = ~present[:, None].expand(-1, frames, -1)
    nan = float("nan")
    centres = motion.centres.masked_fill(empty.unsqueeze(-1), nan)
    return Scenes(
        *rendered[:2],
        boxes=rendered.boxes,
        visibility=rendered.visibility,
        classes=published.labels[sources][:, None].expand(-1, frames, -1).masked_fill(empty, MISSING_CLASS),
        tracks=torch.arange(places).expand(scenes, frames, -1).masked_fill(empty, MISSING_CLASS),
        centres=centres,
        depths=motion.depths.masked_fill(empty, nan),
        displacements=torch.cat([torch.full_like(centres[:, :1], nan), centres.diff(dim=1)], dim=1),
        sources=sources.masked_fill(~present, MISSING_CLASS),
        class_names=published.class_names,
    )


def _one_class(sources: torch.Tensor, labels: torch.Tensor, pool: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Sources `[S, K]` like these, but each video's are all of the class of its first one."""
    wanted = labels[sources[:, 0]]
    chosen = sources.clone()
    for number in sorted(set(wanted.tolist())):
        alike = pool[labels[pool] == number]
        rows = torch.nonzero(wanted == number).flatten()
        picked = torch.randint(len(alike), (len(rows), sources.shape[1] - 1), generator=generator)
        chosen[rows, 1:] = alike[picked]
    return chosen
