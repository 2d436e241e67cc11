"""Pictures and clips of tracks: what is drawn, by number and color."""

import base64
import io
import json
import re

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle
from PIL import Image

from mtl_utils import datasets, plotting
from mtl_utils.plotting.scenes import track_color
from mtl_utils.tracking import TrackedFrame, true_frames


@pytest.fixture(scope="module")
def example():
    split = datasets.moving_scenes(1, 1, 2, source="MNIST", frames=4).test
    return split.videos[0], true_frames(split, 0), split.class_names


def test_boxes_names_and_trails(example) -> None:
    video, frames, names = example
    ax = plotting.show_tracked_frame(video, frames, 3, class_names=names)
    boxes = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    assert len(boxes) == len(frames[3]) == len(ax.lines) == len(ax.texts)
    colors = {track_color(track).lower() for track in frames[3].tracks.tolist()}
    assert {to_hex(box.get_edgecolor()) for box in boxes} == colors
    assert {text.get_text() for text in ax.texts} == {
        f"#{track} {names[kind]}" for track, kind in zip(frames[3].tracks.tolist(), frames[3].classes.tolist(), strict=True)
    }
    assert all(len(line.get_xdata()) == 4 for line in ax.lines)
    ax = plotting.show_tracked_frame(video, frames, 3, boxes=False, trails=False)
    assert not ax.patches
    assert not ax.lines


def test_nearer_objects_are_drawn_over_farther_ones(example) -> None:
    video, frames, _ = example
    ax = plotting.show_tracked_frame(video, frames, 0)
    nearest = int(frames[0].depths.argmin())
    assert to_hex(ax.patches[-1].get_edgecolor()) == track_color(int(frames[0].tracks[nearest])).lower()


def test_a_trail_is_broken_where_the_object_was_not_found(example) -> None:
    video, frames, _ = example
    gap = [frames[0].pick(torch.tensor([0])), frames[1].pick(torch.tensor([], dtype=torch.int64)), *frames[2:]]
    track = int(frames[0].tracks[0])
    row = frames[3].tracks.tolist().index(track)
    ax = plotting.show_tracked_frame(video, gap, 3)
    # Painted from far to near, so the line of this row stands where its depth puts it.
    line = ax.lines[frames[3].depths.argsort(descending=True).tolist().index(row)]
    assert [bool(torch.tensor(x).isnan()) for x in line.get_xdata()] == [False, True, False, False]


def test_frames_without_masks_gray_frames_and_pairs(example) -> None:
    video, frames, _ = example
    bare = [TrackedFrame(each.boxes, each.classes, each.tracks) for each in frames]
    for channels in (video[:, :1], torch.cat([video, video], dim=1)):
        assert len(plotting.show_tracked_frame(channels, bare, 2).patches) == len(bare[2])
        assert len(plotting.show_tracked_frame(channels, frames, 2).patches) == len(bare[2])


def test_a_video_has_a_line_for_each_row(example) -> None:
    video, frames, _ = example
    grid = plotting.show_tracked_video(video, {"predicted": frames, "true": frames}, every=2)
    assert len(grid) == 4
    assert [grid[0].get_ylabel(), grid[2].get_ylabel()] == ["predicted", "true"]


def test_a_clip_holds_its_frames_says_what_it_shows_and_is_small(example) -> None:
    video, frames, names = example
    figures = plt.get_fignums()
    clip = plotting.clip(video, {"predicted": frames, "true": frames}, class_names=names)
    assert plt.get_fignums() == figures
    page = clip._repr_html_()
    assert page == plotting.clip(video, {"predicted": frames, "true": frames}, class_names=names)._repr_html_()
    assert len(page) < 300_000
    urls = json.loads(re.search(r"const urls = (\[.*?\])", page).group(1))
    assert len(urls) == 4
    sizes = {Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))).size for url in urls}
    assert len(sizes) == 1
    assert 'alt="Video of 4 frames' in page
    assert "http" not in page


def test_what_a_clip_cannot_be(example) -> None:
    video, frames, _ = example
    with pytest.raises(ValueError, match="the video has 4 frames, 'true' has 3"):
        plotting.clip(video, {"true": frames[:3]})
    with pytest.raises(ValueError, match="at least one picture"):
        plotting.Clip([], "nothing")
    with pytest.raises(ValueError, match="frames_per_second"):
        plotting.Clip([b""], "nothing", frames_per_second=0)
