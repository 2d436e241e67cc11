"""Readers give the splits, tasks and batches that the rest of the course knows, in memory and on demand alike."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pictures import BLUE, COLORS, GREEN, RED, colored, save, write
from PIL import Image

from mtl_utils import evaluate, fit, models
from mtl_utils.datasets import with_few_labels
from mtl_utils.datasets.dataset import measure_normalization
from mtl_utils.datasets.folders import IMAGENET, MaskFolder, decode, from_class_folders, from_table
from mtl_utils.datasets.on_demand import OnDemand
from mtl_utils.tasks import classification, pixel_classification, regression


def class_folders(root, counts):
    number = 0
    for part, classes in counts.items():
        for name, count in classes.items():
            for _ in range(count):
                save(root / part / name / f"图 {number}.png", COLORS[name], number=number)
                number += 1
    return root


def color_of(image):
    return min(COLORS, key=lambda name: (image[:, 5, 5].float() - torch.tensor(COLORS[name])).abs().sum())


def test_class_folders_with_a_folder_for_each_split(tmp_path):
    root = class_folders(tmp_path, {"train": {"red": 6, "green": 4}, "val": {"red": 2, "green": 2}, "test": {"red": 3}})
    splits = from_class_folders(root / "train", root / "test", root / "val", size=8, task="color")
    assert splits.tasks == (classification("color", ["green", "red"]),)
    assert (len(splits.train), len(splits.val), len(splits.test)) == (10, 4, 3)
    assert splits.image_shape == (3, 8, 8)
    for part in ("train", "val", "test"):
        split = getattr(splits, part)
        for image, target, file in zip(split.images, split.targets["color"], splits.files[part], strict=True):
            assert splits.tasks[0].class_names[target] == color_of(image) == file.parent.name
            assert torch.equal(image, decode(file, (8, 8)))


def test_splits_are_drawn_where_no_folder_is_given(tmp_path):
    root = class_folders(tmp_path, {"train": {"red": 40, "green": 20}})
    splits = from_class_folders(root / "train", size=None)
    assert (len(splits.train), len(splits.val), len(splits.test)) == (42, 9, 9)
    for part, share in (("train", 28), ("val", 6), ("test", 6)):  # every class in its share
        assert int((getattr(splits, part).targets["class"] == 1).sum()) == share
    assert splits.image_shape == (3, 12, 10)
    everything = [file for files in splits.files.values() for file in files]
    assert len(set(everything)) == 60
    again, other = from_class_folders(root / "train", size=None), from_class_folders(root / "train", size=None, seed=1)
    assert again.files == splits.files
    assert other.files != splits.files


def test_table_with_two_tasks_and_missing_labels(tmp_path):
    rows = colored(tmp_path, 30)
    rows[4][1], rows[5][2] = "", ""
    write(tmp_path / "labels.csv", rows)
    splits = from_table(tmp_path, size=8)
    assert splits.tasks == (classification("color", ["blue", "green", "red"]), regression("brightness"))
    labels = {row[0]: row[1:] for row in rows[1:]}
    for part, files in splits.files.items():
        split = getattr(splits, part)
        for number, file in enumerate(files):
            color, brightness = labels[file.name]
            found = int(split.targets["color"][number])
            assert (splits.tasks[0].class_names[found] if found >= 0 else "") == color
            value = float(split.targets["brightness"][number, 0])
            assert value == pytest.approx(brightness) if brightness != "" else np.isnan(value)


def test_a_table_as_a_german_spreadsheet_saves_it(tmp_path):
    rows = colored(tmp_path, 12)
    german = [rows[0], *([name, color, str(value).replace(".", ",")] for name, color, value in rows[1:])]
    write(tmp_path / "labels.csv", german, delimiter=";", encoding="utf-8-sig")
    made = from_table(tmp_path, size=8)
    assert made.tasks[1] == regression("brightness")


def test_split_and_group_columns(tmp_path):
    rows = colored(tmp_path, 30)
    rows[0] += ["split", "group"]
    for number, row in enumerate(rows[1:]):
        row += [["Training", "valid", "TEST"][number // 10], f"film {number // 5}"]
    write(tmp_path / "labels.csv", rows)
    splits = from_table(tmp_path, size=8)
    assert [file.name for file in splits.files["val"]] == [f"p{number:03}.png" for number in range(10, 20)]
    assert [task.name for task in splits.tasks] == ["color", "brightness"]


def test_groups_and_copies_stay_in_one_split(tmp_path):
    rows = colored(tmp_path, 40)
    rows[0].append("group")
    for number, row in enumerate(rows[1:]):
        row.append(f"film {number // 4}" if number < 36 else "")
    (tmp_path / "p039.png").write_bytes((tmp_path / "p000.png").read_bytes())
    write(tmp_path / "labels.csv", rows)
    for seed in range(5):
        splits = from_table(tmp_path, size=8, seed=seed)
        part_of = {file.name: part for part, files in splits.files.items() for file in files}
        for first in range(0, 36, 4):
            assert len({part_of[f"p{first + each:03}.png"] for each in range(4)}) == 1
        assert part_of["p039.png"] == part_of["p000.png"]
        assert [[file.name for file in group] for group in splits.copies] == [["p000.png", "p039.png"]]


def test_a_rare_class_is_always_trained_on(tmp_path):
    rows = colored(tmp_path, 30)
    rows[7][1] = "rare"
    write(tmp_path / "labels.csv", rows)
    for seed in range(8):
        splits = from_table(tmp_path, tasks=["color"], size=8, seed=seed)
        assert tmp_path / "p006.png" in splits.files["train"]


def test_a_copy_in_two_stated_splits_is_named(tmp_path):
    rows = colored(tmp_path, 12)
    rows[0].append("split")
    for number, row in enumerate(rows[1:]):
        row.append(["train", "val", "test"][number // 4])
    (tmp_path / "p008.png").write_bytes((tmp_path / "p000.png").read_bytes())
    rows[9][1] = "red"
    write(tmp_path / "labels.csv", rows)
    with pytest.warns(UserWarning, match=r"two splits.*p000\.png \(train\), p008\.png \(test\)"):
        from_table(tmp_path, size=8)


def with_masks(root, count=20):
    rows = colored(root, count)
    for number in range(count):
        if number % 4:
            mask = np.zeros((12, 10), dtype=np.uint8)
            mask[2:6] = 1 + number % 2
            (root / "masks").mkdir(exist_ok=True)
            Image.fromarray(mask).save(root / "masks" / f"p{number:03}.png")
    return rows


@pytest.mark.parametrize("memory", [2.0, 0.0])
def test_masks_beside_the_pictures(tmp_path, memory):
    with_masks(tmp_path)
    folder = MaskFolder("masks", ["ground", "odd", "even"], values=[0, 2, 1])
    splits = from_table(tmp_path, masks={"place": folder}, size=None, memory=memory)
    assert splits.tasks[-1] == pixel_classification("place", ["ground", "odd", "even"])
    for part, files in splits.files.items():
        _, targets = next(getattr(splits, part).batches(100))
        for number, file in enumerate(files):
            index = int(file.stem[1:])
            found = targets["place"][number]
            if index % 4:
                assert (found[2:6] == (1 if index % 2 else 2)).all()
                assert (found[:2] == 0).all()
            else:
                assert (found == -100).all()
    assert splits.train.labelled_images([splits.tasks[-1]]).tolist() == [
        int(file.stem[1:]) % 4 != 0 for file in splits.files["train"]
    ]


def test_padded_masks_have_no_class_in_the_bars(tmp_path):
    with_masks(tmp_path)
    masks = {"place": MaskFolder("masks", ["ground", "odd", "even"])}
    splits = from_table(tmp_path, masks=masks, size=24, fit="pad")
    labelled = splits.train.targets["place"][splits.train.labelled_images([splits.tasks[-1]])]
    assert (labelled[:, :, :2] == -100).all()
    assert (labelled[:, :, 2:-2] >= 0).all()


@pytest.fixture
def both(tmp_path):
    with_masks(tmp_path, 40)
    masks = {"place": MaskFolder("masks", ["ground", "odd", "even"])}
    return [from_table(tmp_path, masks=masks, size=16, memory=memory) for memory in (2.0, 0.0)]


def test_on_demand_gives_the_same_batches(both):
    held, read = both
    assert isinstance(read.train.images, OnDemand)
    assert held.train.normalization == read.train.normalization
    for found, expected in zip(held.train.normalization, measure_normalization(held.train.images), strict=True):
        assert found == pytest.approx(expected)
    for shuffle in (None, 0):
        batches = [
            list(each.train.batches(7, shuffle=None if shuffle is None else torch.Generator().manual_seed(shuffle)))
            for each in both
        ]
        assert len(batches[0]) == len(batches[1])
        for (images, targets), (others, other_targets) in zip(*batches, strict=True):
            assert torch.equal(images, others)
            for name in targets:
                assert torch.equal(targets[name].nan_to_num(-1), other_targets[name].nan_to_num(-1))
    assert torch.equal(held.train.subset([3, 1]).images, read.train.subset([3, 1]).images[:])
    assert torch.equal(held.train[2][0], read.train[2][0])


def test_on_demand_trains_to_the_same_numbers(both):
    reached = []
    for splits in both:
        few = splits.with_train(with_few_labels(splits.train, "color", 12)).for_tasks("color", "place")
        model = models.hard_sharing(lambda shape: models.small_cnn(shape, channels=(8, 8), pool=0), few)
        fit(model, few, epochs=2, batch_size=8, progress=False, device="cpu")
        reached.append(evaluate(model, few.test))
    assert reached[0] == reached[1]


def test_normalization_can_be_that_of_a_backbone(tmp_path):
    colored(tmp_path)
    assert from_table(tmp_path, size=8, normalization=IMAGENET).test.normalization == IMAGENET


def test_pictures_of_all_modes_stand_side_by_side(tmp_path):
    rows = [["file", "color"]]
    for number in range(24):
        name = list(COLORS)[number % 2]
        picture = Image.new("RGB", (10, 8), COLORS[name])
        mode, suffix = [("RGB", "jpg"), ("RGBA", "png"), ("P", "gif"), ("CMYK", "jpg"), ("RGB", "webp"), ("RGB", "bmp")][
            number // 4
        ]
        picture.convert(mode).save(tmp_path / f"{number}.{suffix}")
        rows.append([f"{number}.{suffix}", name])
    write(tmp_path / "labels.csv", rows)
    splits = from_table(tmp_path, size=8)
    for part in ("train", "val", "test"):
        split = getattr(splits, part)
        expected = torch.tensor([RED, GREEN, BLUE])[1 - split.targets["color"]]
        assert ((split.images.float().mean((2, 3)) - expected).abs() < 12).all()
