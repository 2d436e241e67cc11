"""A clip in a notebook: one picture for each frame, played by a few lines of script, without a kernel and without a network."""

from __future__ import annotations

import base64
import html
import io
import json
import zlib
from collections.abc import Sequence

import matplotlib.pyplot as plt
from torch import Tensor

from mtl_utils.plotting.tracks import show_tracked_frame
from mtl_utils.tracking import TrackedFrame


class Clip:
    """Pictures with buttons to play and to step. It shows itself in a notebook, and in the page that nbconvert makes of it.

    Where scripts may not run (a notebook that is not trusted, or printed on paper) its first picture is seen.

    Args:
        pictures: PNG files, one for each frame.
        alternative: what is seen, in words, for those who do not see it.
        frames_per_second: how fast it plays.
    """

    def __init__(self, pictures: Sequence[bytes], alternative: str, *, frames_per_second: float = 3.0) -> None:
        if not pictures:
            raise ValueError("a clip needs at least one picture")
        if not frames_per_second > 0:
            raise ValueError(f"frames_per_second must be above zero, not {frames_per_second!r}")
        self.pictures, self.alternative, self.frames_per_second = list(pictures), alternative, frames_per_second

    def __repr__(self) -> str:
        return f"Clip of {len(self.pictures)} frames: {self.alternative}"

    def _repr_html_(self) -> str:
        urls = [f"data:image/png;base64,{base64.b64encode(picture).decode()}" for picture in self.pictures]
        name = f"clip-{zlib.crc32(''.join(urls).encode()):08x}"  # the same clip has the same name: outputs can be compared
        words = html.escape(self.alternative, quote=True)
        return _PAGE.format(
            name=name, first=urls[0], words=words, last=len(urls) - 1, urls=json.dumps(urls), wait=1000 / self.frames_per_second
        )


def clip(
    video: Tensor,
    rows: dict[str, Sequence[TrackedFrame]],
    *,
    class_names: Sequence[str] | None = None,
    masks: bool = True,
    trails: bool = True,
    frames_per_second: float = 3.0,
    inches: float = 2.6,
    dpi: int = 100,
) -> Clip:
    """A clip of one video, with one picture beside the other for each of `rows`, such as `{"predicted": found, "true": true}`.

    Args:
        video: `uint8` `[T, C, H, W]`.
        rows: what to draw in each picture, by name: T frames each.
        class_names, masks, trails: as for `show_tracked_frame`.
        frames_per_second: how fast it plays.
        inches, dpi: size of a picture, and its dots per inch.

    Raises:
        ValueError: if a row has not as many frames as the video.

    Example:
        >>> from mtl_utils import datasets, tracking
        >>> scenes = datasets.moving_scenes(1, 1, 1, frames=2, size=32).train
        >>> played = clip(scenes.videos[0], {'true': tracking.true_frames(scenes, 0)}, class_names=scenes.class_names)
        >>> type(played).__name__
        'Clip'
    """
    for name, frames in rows.items():
        if len(frames) != len(video):
            raise ValueError(f"the video has {len(video)} frames, '{name}' has {len(frames)}")
    pictures = []
    for time in range(len(video)):
        size = (inches * len(rows), inches + 0.3)
        figure, grid = plt.subplots(1, len(rows), figsize=size, dpi=dpi, layout="constrained", squeeze=False)
        for ax, (name, frames) in zip(grid.flat, rows.items(), strict=True):
            show_tracked_frame(video, frames, time, ax, class_names=class_names, masks=masks, trails=trails)
            ax.set_title(f"{name}, frame {time}", fontsize=9)
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=dpi, metadata={"Software": None})
        plt.close(figure)
        pictures.append(_fewer_colors(file.getvalue()))
    return Clip(pictures, _in_words(rows), frames_per_second=frames_per_second)


def _in_words(rows: dict[str, Sequence[TrackedFrame]]) -> str:
    """What a clip shows: how many frames, and for each row how many objects it has seen."""
    said = []
    for name, frames in rows.items():
        tracks = len({track for frame in frames for track in frame.tracks.tolist()})
        said.append(f"{name}: {tracks} {'track' if tracks == 1 else 'tracks'} in {sum(map(len, frames))} boxes")
    count = len(next(iter(rows.values()))) if rows else 0
    return f"Video of {count} frames with boxes, masks and trails. {'; '.join(said)}."


def _fewer_colors(png: bytes) -> bytes:
    """The same picture with 128 colors: less than half the bytes."""
    from PIL import Image

    file = io.BytesIO()
    with Image.open(io.BytesIO(png)) as picture:
        picture.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(file, format="png", optimize=True)
    return file.getvalue()


# Every id is made of the clip's name; the script finds the last element of that name that it has not yet made alive, so that
# the same clip can stand twice in one page. JupyterLab runs scripts before it attaches an output to the page: then it looks
# again, for five seconds. It stops by itself when its cell is gone.
_PAGE = """<figure class="mtl-clip" data-clip="{name}" style="margin:0;display:inline-block;max-width:100%">
<img src="{first}" alt="{words}" style="display:block;max-width:100%">
<div style="display:flex;gap:.5em;align-items:center">
<button type="button" aria-label="Play or pause" style="width:5em">Play</button>
<input type="range" min="0" max="{last}" value="0" aria-label="Frame" style="flex:1">
<output style="min-width:3em">0 / {last}</output></div>
<script>(() => {{
const start = tries => {{
const all = document.querySelectorAll('figure[data-clip="{name}"]:not([data-alive])');
const root = all[all.length - 1];
if (!root) {{ if (tries > 0) setTimeout(start, 100, tries - 1); return; }}
root.dataset.alive = "yes";
const urls = {urls}, image = root.querySelector("img"), slider = root.querySelector("input");
const button = root.querySelector("button"), words = root.querySelector("output");
let timer = null;
const show = n => {{ slider.value = n; image.src = urls[n]; words.textContent = n + " / {last}"; }};
const stop = () => {{ clearInterval(timer); timer = null; button.textContent = "Play"; }};
const play = () => {{ button.textContent = "Pause"; timer = setInterval(() => {{
  if (!root.isConnected) return stop();
  show((Number(slider.value) + 1) % urls.length);
}}, {wait:.0f}); }};
button.onclick = () => timer ? stop() : play();
slider.oninput = () => {{ stop(); show(Number(slider.value)); }};
}};
start(50);
}})();</script></figure>"""
