"""Moving scenes: frames and labels that agree with each other to the pixel."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_utils import models, training
from mtl_utils.datasets import MovingScenes, Scenes, boxes_of, load_source, moving_scenes
from mtl_utils.datasets.moving_scenes.motion import BACKGROUND_DEPTH, FARTHEST, NEAR_SIZE, NEAREST, Motion, bounce, move
from mtl_utils.datasets.moving_scenes.rendering import Objects, render, resampling
from mtl_utils.datasets.pools import source_pools
from mtl_utils.evaluation import Evaluation
from mtl_utils.randomness import generator
from mtl_utils.training.choosing import mean_improvement

SMALL = {"train": 12, "val": 4, "test": 4, "frames": 5, "size": 32, "objects": (1, 3)}


@pytest.fixture(scope="module", params=["FashionMNIST", "MNIST"])
def small(request: pytest.FixtureRequest) -> MovingScenes:
    return moving_scenes(**SMALL, source=request.param)


def parts(scenes: MovingScenes) -> list[Scenes]:
    return [scenes.train, scenes.val, scenes.test]


def test_shapes_and_types(small: MovingScenes) -> None:
    for part, count in zip(parts(small), (12, 4, 4), strict=True):
        assert len(part) == count
        assert (part.frame_count, part.places) == (5, 3)
        assert part.videos.shape == (count, 5, 3, 32, 32)
        assert part.videos.dtype == part.instances.dtype == torch.uint8
        assert part.instances.shape == (count, 5, 32, 32)
        assert part.masks.shape == (count, 5, 3, 32, 32)
        for name, last in (("boxes", (4,)), ("centres", (2,)), ("displacements", (2,)), ("depths", ()), ("visibility", ())):
            tensor = getattr(part, name)
            assert tensor.shape == (count, 5, 3, *last)
            assert tensor.dtype == torch.float32
        for name in ("classes", "tracks"):
            assert getattr(part, name).shape == (count, 5, 3)
            assert getattr(part, name).dtype == torch.int64


def test_boxes_are_the_extent_of_the_masks(small: MovingScenes) -> None:
    for part in parts(small):
        for s in range(len(part)):
            for t in range(part.frame_count):
                for k in range(part.places):
                    rows, columns = torch.nonzero(part.masks[s, t, k], as_tuple=True)
                    if len(rows) == 0:
                        assert part.boxes[s, t, k].isnan().all()
                        assert part.visibility[s, t, k] == 0
                    else:
                        expected = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
                        assert part.boxes[s, t, k].tolist() == expected


def test_maps_repeat_the_labels_of_the_object_that_is_seen(small: MovingScenes) -> None:
    part = small.train
    background = part.instances == 0
    assert (part.class_maps[background] == 0).all()
    assert (part.depth_maps[background] == BACKGROUND_DEPTH).all()
    for k in range(part.places):
        scene, frame, row, column = torch.nonzero(part.masks[:, :, k], as_tuple=True)
        assert torch.equal(part.class_maps[scene, frame, row, column].long(), part.classes[scene, frame, k] + 1)
        assert torch.equal(part.depth_maps[scene, frame, row, column], part.depths[scene, frame, k])


def test_masks_do_not_overlap_and_leave_the_background(small: MovingScenes) -> None:
    covered = small.train.masks.sum(2)
    assert covered.max() == 1
    assert torch.equal(covered == 0, small.train.instances == 0)


def test_displacement_is_the_difference_of_centres(small: MovingScenes) -> None:
    part = small.train
    assert part.displacements[:, 0].isnan().all()
    expected = part.centres[:, 1:] - part.centres[:, :-1]
    assert torch.equal(part.displacements[:, 1:].nan_to_num(-1e9), expected.nan_to_num(-1e9))


def test_labels_that_stay_the_same_through_a_video(small: MovingScenes) -> None:
    part = small.train
    for name in ("classes", "tracks"):
        labels = getattr(part, name)
        assert torch.equal(labels, labels[:, :1].expand_as(labels))
    for tracks in part.tracks[:, 0]:
        present = tracks[tracks >= 0]
        assert present.tolist() == list(range(len(present)))


def test_classes_are_those_of_the_published_images(small: MovingScenes) -> None:
    name = small.name.removeprefix("moving scenes (").removesuffix(")")
    for part, published in ((small.train, True), (small.val, True), (small.test, False)):
        labels = load_source(name, train=published).labels
        present = part.sources >= 0
        assert torch.equal(part.classes[:, 0][present], labels[part.sources[present]])


def test_empty_places_have_no_labels(small: MovingScenes) -> None:
    part = small.train
    empty = (part.sources < 0)[:, None].expand(-1, part.frame_count, -1)
    assert empty.any()
    assert not empty.all(-1).any()  # at least one object in every video
    assert (part.classes[empty] == -100).all()
    assert (part.tracks[empty] == -100).all()
    assert (part.visibility[empty] == 0).all()
    for name in ("boxes", "centres", "depths", "displacements"):
        assert getattr(part, name)[empty].isnan().all()
    for name in ("centres", "depths"):
        assert not getattr(part, name)[~empty].isnan().any()


def test_splits_share_no_source_image(small: MovingScenes) -> None:
    train, val = (set(part.sources[part.sources >= 0].tolist()) for part in (small.train, small.val))
    assert not train & val  # the test split draws from other files (see test_classes_are_those_of_the_published_images)


def test_validation_objects_do_not_depend_on_the_sizes_asked_for() -> None:
    pools = {part: set(indices.tolist()) for part, indices in source_pools(generator(5)).items()}
    assert not pools["train"] & pools["val"]
    for count in (1, 300):
        scenes = moving_scenes(count, 30, 1, frames=1, size=16, seed=5)
        for part in ("train", "val"):
            assert set(getattr(scenes, part).sources.flatten().tolist()) - {-100} <= pools[part]


def test_same_seed_same_video_other_seed_another() -> None:
    first, second, other = (moving_scenes(**SMALL, seed=seed).train for seed in (7, 7, 8))
    assert torch.equal(first.videos, second.videos)
    assert torch.equal(first.instances, second.instances)
    assert not torch.equal(first.videos, other.videos)


def test_global_random_state_is_left_alone() -> None:
    before = torch.get_rng_state()
    moving_scenes(**SMALL)
    assert torch.equal(before, torch.get_rng_state())


def test_frames_are_the_videos_in_order(small: MovingScenes) -> None:
    data = small.frames()
    assert [task.name for task in data.tasks] == ["segmentation", "depth"]
    assert torch.equal(data.train.images.view(12, 5, 3, 32, 32), small.train.videos)
    assert torch.equal(data.train.targets["depth"].view(12, 5, 32, 32), small.train.depth_maps)
    some = small.train.frames(every=2)
    assert torch.equal(some.images.view(12, 3, 3, 32, 32), small.train.videos[:, [0, 2, 4]])
    assert torch.equal(some.targets["segmentation"].view(12, 3, 32, 32), small.train.class_maps[:, [0, 2, 4]])
    assert data.tasks[0].class_names[0] == "background"


def test_subset_takes_every_label_along(small: MovingScenes) -> None:
    chosen = small.train.subset(torch.tensor([3, 1]))
    assert len(chosen) == 2
    assert torch.equal(chosen.videos[0], small.train.videos[3])
    assert torch.equal(chosen.class_maps[1], small.train.class_maps[1])


def test_a_network_for_pixels_learns_from_the_frames(small: MovingScenes) -> None:
    data = small.frames()
    model = models.hard_sharing(lambda shape: models.small_cnn(shape, channels=(8, 16), pool=False), data)
    history = training.fit(model, data, steps=25, batch_size=30, progress=False)
    for task in ("segmentation", "depth"):
        assert history.steps[-1].losses[task] < 0.8 * history.steps[0].losses[task]


def test_weights_can_be_chosen_when_the_first_validation_found_nothing(small: MovingScenes) -> None:
    tasks = small.frames().tasks
    none, some, more = (
        Evaluation(metrics={"segmentation": overlap, "depth": error}) for overlap, error in ((0.0, 2.0), (0.1, 1.0), (0.3, 1.0))
    )
    assert mean_improvement(none, none, tasks) < mean_improvement(some, none, tasks) < mean_improvement(more, none, tasks)


# Motion


@given(st.floats(-1e3, 1e3))
def test_bouncing_folds_the_line(place: float) -> None:
    folded = float(bounce(torch.tensor(place, dtype=torch.float64)))
    assert 0 <= folded <= 1
    assert folded == pytest.approx(float(bounce(torch.tensor(-place, dtype=torch.float64))), abs=1e-9)
    assert folded == pytest.approx(float(bounce(torch.tensor(place + 2, dtype=torch.float64))), abs=1e-9)


def test_bouncing_by_value() -> None:
    folded = bounce(torch.tensor([0.0, 0.3, 1.0, 1.2, 2.3, -0.1]))
    assert torch.allclose(folded, torch.tensor([0.0, 0.3, 1.0, 0.8, 0.3, 0.1]), atol=1e-6)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1000), st.integers(1, 60), st.sampled_from([16, 33, 64]))
def test_objects_stay_in_the_frame_and_in_the_room(seed: int, frames: int, size: int) -> None:
    motion = move(6, frames, 3, size, generator(seed))
    half = motion.sizes.unsqueeze(-1) / 2
    assert (motion.centres - half >= -1e-3).all()
    assert (motion.centres + half <= size + 1e-3).all()
    assert (motion.depths >= NEAREST - 1e-5).all()
    assert (motion.depths <= FARTHEST + 1e-5).all()
    assert torch.allclose(motion.sizes * motion.depths, torch.tensor(NEAR_SIZE * size))


def test_objects_turn_back_at_walls() -> None:
    x = move(50, 200, 1, 64, generator(0)).centres[:, :, 0, 0]
    turns = (x.diff(dim=1).sign().diff(dim=1) != 0).sum(1)
    assert (turns >= 1).float().mean() > 0.9


# Rendering


def one_pixel_objects(depths: list[float], places: list[tuple[float, float]]) -> tuple[Objects, Motion]:
    """Opaque 28×28 squares of pure red, green, blue … of size 8 in a frame of 20×20."""
    count = len(depths)
    square = torch.ones(1, count, 28, 28)
    objects = Objects(
        square, square, torch.eye(3)[torch.arange(count) % 3].unsqueeze(0), torch.ones(1, count, dtype=torch.bool)
    )
    centres = torch.tensor(places).view(1, 1, count, 2)
    return objects, Motion(centres, torch.tensor(depths).view(1, 1, count), torch.full((1, 1, count), 8.0))


def test_a_square_by_value() -> None:
    result = render(*one_pixel_objects([1.0], [(7.0, 10.0)]), torch.zeros(1, 3, 20, 20))
    expected = torch.zeros(20, 20, dtype=torch.uint8)
    expected[6:14, 3:11] = 1  # rows follow y, columns follow x
    assert torch.equal(result.instances[0, 0], expected)
    assert result.boxes[0, 0, 0].tolist() == [3, 6, 11, 14]
    inside = result.videos[0, 0, :, 7:13, 4:10]
    assert (inside[0] > 240).all()
    assert (inside[1:] == 0).all()
    assert (result.videos[0, 0, :, 16:] == 0).all()


def test_the_nearer_object_hides_the_farther_whatever_their_order() -> None:
    for depths in ([1.0, 2.0], [2.0, 1.0]):
        result = render(*one_pixel_objects(depths, [(8.0, 10.0), (12.0, 10.0)]), torch.zeros(1, 3, 20, 20))
        near = depths.index(min(depths))
        assert (result.instances[0, 0, 6:14, 8:12] == near + 1).all()  # the columns that both cover
        assert result.visibility[0, 0, near] == 1
        assert result.visibility[0, 0, 1 - near] == 0.5


def test_a_wholly_hidden_object_has_no_box() -> None:
    result = render(*one_pixel_objects([1.0, 2.0], [(8.0, 10.0), (8.0, 10.0)]), torch.zeros(1, 3, 20, 20))
    assert result.visibility[0, 0].tolist() == [1, 0]
    assert result.boxes[0, 0, 1].isnan().all()


def test_visible_pixels_belong_to_the_nearest_of_the_objects_there() -> None:
    """Each object drawn alone tells where it would be; together the nearest must win, and shares must be those of pixels."""
    scenes = moving_scenes(6, 1, 1, frames=4, size=32, objects=(3, 3), seed=2).train
    published = load_source("FashionMNIST", train=True)
    opacity = (published.images[scenes.sources].float() / 255 / 0.08).clamp(max=1)
    motion = Motion(scenes.centres, scenes.depths, NEAR_SIZE * 32 / scenes.depths)
    alone = []
    for k in range(3):
        only = torch.arange(3) == k
        objects = Objects(opacity, opacity, torch.ones(6, 3, 3), only.expand(6, 3))
        alone.append(render(objects, motion, torch.zeros(6, 3, 32, 32)).instances > 0)
    cover = torch.stack(alone, dim=2)
    depth = scenes.depths[..., None, None].expand_as(cover).masked_fill(~cover, float("inf"))
    nearest = torch.where(cover.any(2), depth.argmin(2) + 1, 0)
    assert (cover.sum(2) > 1).any()  # objects do overlap somewhere
    assert torch.equal(nearest, scenes.instances.long())
    shares = scenes.masks.sum((-1, -2)) / cover.sum((-1, -2))
    assert torch.allclose(shares, scenes.visibility)


@settings(deadline=None)
@given(st.floats(12, 20), st.floats(6, 24))
def test_resampling_keeps_what_is_inside_and_adds_nothing_outside(centre: float, size: float) -> None:
    matrix = resampling(torch.tensor(centre), torch.tensor(size), 32)
    total = matrix.sum(1)
    pixel = torch.arange(32) + 0.5
    inside = (pixel - centre).abs() < size / 2 - 1
    assert torch.allclose(total[inside], torch.ones(1), atol=1e-4)
    assert (total[(pixel - centre).abs() > size / 2 + 1] == 0).all()


@settings(deadline=None)
@given(st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=3, max_size=3))
def test_boxes_of_any_mask(rows: list[list[bool]]) -> None:
    mask = torch.tensor(rows)
    box = boxes_of(mask)
    if not mask.any():
        assert box.isnan().all()
        return
    x0, y0, x1, y1 = (int(edge) for edge in box)
    assert mask[y0:y1, x0:x1].sum() == mask.sum()  # nothing outside
    for side in (mask[y0, :], mask[y1 - 1, :], mask[:, x0], mask[:, x1 - 1]):  # and no smaller box would do
        assert side.any()


# Misuse


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"train": 0}, "number of train videos"),
        ({"frames": 0}, "number of frames"),
        ({"size": 8}, "at least 16 pixels"),
        ({"objects": (0, 2)}, "fewest objects"),
        ({"objects": (3, 2)}, "from 3"),
        ({"objects": (1, 99)}, "to 50"),
        ({"objects": 3}, r"objects= takes the fewest and the most in a video, such as \(2, 4\), not 3"),
        ({"source": "CIFAR"}, "no source is called 'CIFAR'"),
        ({"seed": 1.5}, "seed must be a whole number"),
    ],
)
def test_wrong_arguments_are_refused_in_words(arguments: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        moving_scenes(**{**SMALL, **arguments})


def test_frames_need_a_sound_stride(small: MovingScenes) -> None:
    with pytest.raises(ValueError, match="every must be a whole number above zero"):
        small.train.frames(every=0)
