"""Drawing moving scenes: what is drawn is what is labelled, on the axes that were given."""

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from mtl_utils import plotting
from mtl_utils.datasets import Scenes, moving_scenes
from mtl_utils.plotting.scenes import track_color


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    return moving_scenes(4, 1, 1, frames=5, size=32, objects=(2, 3)).train


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    yield
    plt.close("all")


def test_boxes_are_drawn_around_the_visible_pixels(scenes: Scenes) -> None:
    _, ax = plt.subplots()
    assert plotting.show_boxes(scenes, 1, 2, ax) is ax
    visible = np.flatnonzero(scenes.visibility[1, 2] > 0)
    assert len(ax.patches) == len(ax.texts) == len(visible)
    for k, patch, text in zip(visible.tolist(), ax.patches, ax.texts, strict=True):
        x0, y0, x1, y1 = (scenes.boxes[1, 2, k] - 0.5).tolist()
        assert patch.get_bbox().extents.tolist() == [x0, y0, x1, y1]
        assert to_hex(patch.get_edgecolor()) == track_color(k).lower()
        assert text.get_text() == scenes.class_names[int(scenes.classes[1, 2, k])]


def test_boxes_without_names(scenes: Scenes) -> None:
    assert not plotting.show_boxes(scenes, 0, 0, names=False).texts


def test_a_video_has_an_axes_for_each_frame(scenes: Scenes) -> None:
    axes = plotting.show_video(scenes, 0, columns=3)
    assert [ax.get_title() for ax in axes] == [f"frame {frame}" for frame in range(5)] + [""]
    assert not axes[5].axison
    assert not any(ax.patches for ax in plotting.show_video(scenes, 0, boxes=False))


def test_class_map_shows_the_labels_and_names_large_patches(scenes: Scenes) -> None:
    classes = scenes.class_maps[2, 1]
    ax = plotting.show_class_map(classes, scenes.class_names)
    assert np.array_equal(ax.images[0].get_array(), classes.numpy())
    large = [int(number) for number in classes.unique() if number > 0 and (classes == number).sum() >= 12]
    assert [text.get_text() for text in ax.texts] == [scenes.class_names[number - 1] for number in large]


def test_depth_map_has_one_scale_for_all_frames(scenes: Scenes) -> None:
    ax = plotting.show_depth_map(scenes.depth_maps[0, 0])
    assert ax.images[0].get_clim() == (1.0, 3.0)


def test_tracks_have_a_path_for_each_object_and_an_arrow_after_the_first_frame(scenes: Scenes) -> None:
    first, later = (plotting.show_tracks(scenes, 1, frame) for frame in (0, 3))
    count = int((scenes.tracks[1, 0] >= 0).sum())
    assert len(first.lines) == len(later.lines) == count
    assert len(first.texts) == 0
    assert len(later.texts) == count
    assert np.allclose(later.lines[0].get_xydata(), scenes.centres[1, :4, 0].numpy() - 0.5)


def test_masks_color_only_the_objects(scenes: Scenes) -> None:
    picture = plotting.show_masks(scenes, 0, 0).images[0].get_array()
    gray = (picture[..., 0] == picture[..., 1]) & (picture[..., 1] == picture[..., 2])
    assert np.array_equal(gray, scenes.instances[0, 0].numpy() == 0)


def test_a_scene_on_given_axes(scenes: Scenes) -> None:
    _, axes = plt.subplots(1, 5)
    assert plotting.show_scene(scenes, 0, 2, axes) == list(axes)
    assert all(ax.images for ax in axes)
    with pytest.raises(ValueError, match="needs 5 axes, 4 were given"):
        plotting.show_scene(scenes, 0, 2, axes[:4])
