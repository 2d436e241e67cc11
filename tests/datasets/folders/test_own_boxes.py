"""Boxes of one's own pictures: read from a COCO file, learned beside other tasks, found in new files."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image

from mtl_utils import evaluate, models, predict_boxes, training
from mtl_utils.datasets import BoxFile, Detection, FolderError, MaskFolder, boxes_in_targets, describe, from_coco, from_table
from mtl_utils.datasets.folders.framing import frame
from tests.datasets.folders.pictures import write

COLORS = {"red": (220, 40, 30), "blue": (40, 60, 220)}


def scattered(folder, count=24, size=(40, 56), *, name="boxes.json", seed=0, states_sizes=True, prefix="p"):
    """Pictures of red and blue rectangles on gray, with their boxes in COCO's format; returns the content of the file."""
    chance = np.random.default_rng(seed)
    images, annotations = [], []
    for number in range(count):
        pixels = np.full((*size, 3), 120, dtype=np.uint8)
        pixels += chance.integers(0, 20, pixels.shape, dtype=np.uint8)
        for place in range(number % 3):  # none, one or two: left and right halves, so that none hides another
            width, height = (int(side) for side in chance.integers(10, 20, 2))
            x = int(chance.integers(0, size[1] // 2 - width)) + place * size[1] // 2
            y = int(chance.integers(0, size[0] - height))
            color = int(chance.integers(0, 2))
            pixels[y : y + height, x : x + width] = list(COLORS.values())[color]
            annotations.append(
                {"id": len(annotations), "image_id": number, "category_id": color, "bbox": [x, y, width, height]}
            )
        file = f"{prefix}{number:03}.png"
        Image.fromarray(pixels).save(folder / file)
        stated = {"width": size[1], "height": size[0]} if states_sizes else {}
        images.append({"id": number, "file_name": file, **stated})
    categories = [{"id": number, "name": color} for number, color in enumerate(COLORS)]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (folder / name).write_text(json.dumps(content))
    return content


def change(folder, content, *, name="boxes.json", **parts):
    (folder / name).write_text(json.dumps({**content, **parts}))


def truth(content, file):
    """Boxes (x0, y0, x1, y1, class) of a picture, in pixels of the file."""
    number = next(each["id"] for each in content["images"] if each["file_name"] == file.name)
    found = [each for each in content["annotations"] if each["image_id"] == number]
    return sorted((x, y, x + w, y + h, each["category_id"]) for each in found for x, y, w, h in [each["bbox"]])


def rows_of(boxes):
    rows = zip(boxes.corners.tolist(), boxes.classes.tolist(), strict=True)
    return sorted((*(round(value, 3) for value in corners), cls) for corners, cls in rows)


@pytest.fixture
def folder(tmp_path):
    scattered(tmp_path)
    return tmp_path


def content_of(folder):
    return json.loads((folder / "boxes.json").read_text())


def test_the_targets_are_the_boxes_of_the_file(folder):
    content = content_of(folder)
    splits = from_coco(folder, "boxes.json", size=None)
    (task,) = splits.tasks
    assert isinstance(task, Detection) and task.classes == ("red", "blue") and task.name == "objects"
    assert sum(len(files) for files in splits.files.values()) == 24
    for part, files in splits.files.items():
        found = boxes_in_targets(task, getattr(splits, part).targets["objects"])
        for file, boxes in zip(files, found, strict=True):
            assert rows_of(boxes) == truth(content, file)


@pytest.mark.parametrize("fit", ["pad", "crop", "stretch"])
@pytest.mark.parametrize("size", [(30, 42), (61, 50)])  # the stride divides neither
def test_boxes_move_with_their_pictures(folder, fit, size):
    content = content_of(folder)
    if fit == "crop":
        with pytest.warns(UserWarning, match="fit='crop' cuts off"):
            splits = from_coco(folder, "boxes.json", size=(61, 60), fit=fit, seen=1.0)
        size = (61, 60)
    else:
        splits = from_coco(folder, "boxes.json", size=size, fit=fit)
    (task,) = splits.tasks
    colors = torch.tensor(list(COLORS.values())).view(2, 3, 1, 1)
    seen = 0
    for part, files in splits.files.items():
        split = getattr(splits, part)
        for image, file, boxes in zip(split.images, files, boxes_in_targets(task, split.targets["objects"]), strict=True):
            to = frame((40, 56), size, fit)
            assert fit == "crop" or len(boxes.classes) == len(truth(content, file))
            for box, cls in zip(boxes.corners, boxes.classes, strict=True):
                x0, y0, x1, y1 = (round(value) for value in box.tolist())
                inside = image[:, y0 + 2 : y1 - 2, x0 + 2 : x1 - 2]
                assert (inside - colors[cls]).abs().max() < 12  # the box holds its color and nothing else
                seen += 1
                original = to.boxes_back(box[None])[0].tolist()
                assert any(original == pytest.approx(each[:4], abs=1e-2) for each in truth(content, file))
    assert seen > 5


def test_too_large_for_memory_means_made_batch_by_batch_with_the_same_targets(folder):
    whole = from_coco(folder, "boxes.json", size=40)
    on_demand = from_coco(folder, "boxes.json", size=40, memory=0)
    for part in ("train", "val", "test"):
        a, b = getattr(whole, part).batch(slice(0, 4)), getattr(on_demand, part).batch(slice(0, 4))
        assert torch.equal(a[0], b[0]) and torch.equal(a[1]["objects"].nan_to_num(-1), b[1]["objects"].nan_to_num(-1))
    assert describe(on_demand).labels.to_numpy().sum() == 24


def test_a_file_for_each_split_with_classes_in_another_order(tmp_path):
    scattered(tmp_path, 12, name="a.json")
    content = scattered(tmp_path, 9, name="b.json", seed=1, prefix="q")
    names = list(reversed([{"id": 1 - each["id"], "name": each["name"]} for each in content["categories"]]))
    swapped = [{**each, "category_id": 1 - each["category_id"]} for each in content["annotations"]]
    change(tmp_path, content, name="b.json", categories=names, annotations=swapped)
    splits = from_coco(tmp_path, {"train": "a.json", "test": "b.json"}, size=None, val=0.2)
    assert {file.name[0] for file in splits.files["test"]} == {"q"}
    assert {file.name[0] for part in ("train", "val") for file in splits.files[part]} == {"p"}
    (task,) = splits.tasks
    for file, boxes in zip(splits.files["test"], boxes_in_targets(task, splits.test.targets["objects"]), strict=True):
        assert rows_of(boxes) == truth(content, file)
    change(tmp_path, {**content, "images": content["images"][:1], "annotations": []}, name="c.json")
    with pytest.raises(FolderError, match="is in test and in val"):
        from_coco(tmp_path, {"train": "a.json", "test": "b.json", "val": "c.json"})
    change(tmp_path, content, name="b.json", categories=[*content["categories"], {"id": 7, "name": "猫"}])
    with pytest.raises(FolderError, match="test: the class '猫' is not among those of train"):
        from_coco(tmp_path, {"train": "a.json", "test": "b.json"})
    with pytest.raises(FolderError, match="a file for train"):
        from_coco(tmp_path, {"test": "b.json"})


def test_boxes_beside_a_table_and_masks(folder):
    content = content_of(folder)
    rows = [["file", "busy"]] + [
        [each["file_name"], ["no", "yes"][number % 3 == 2]] for number, each in enumerate(content["images"])
    ]
    write(folder / "labels.csv", rows)
    (folder / "m").mkdir()
    for each in content["images"]:
        red = np.array(Image.open(folder / each["file_name"]))[..., 0] > 200
        Image.fromarray(red.astype(np.uint8)).save(folder / "m" / each["file_name"])
    change(folder, content, images=content["images"][1:])  # the first picture has no labels, which is not the same as no boxes
    splits = from_table(
        folder, boxes={"objects": BoxFile("boxes.json")}, masks={"red": MaskFolder("m", ["no", "red"])}, size=None, group=None
    )
    assert [task.name for task in splits.tasks] == ["busy", "red", "objects"]
    objects = splits.tasks[-1]
    for part, files in splits.files.items():
        split = getattr(splits, part)
        for row, file in enumerate(files):
            (found,) = boxes_in_targets(objects, split.targets["objects"][row : row + 1])
            if file.name == "p000.png":
                assert found is None
                continue
            assert rows_of(found) == truth(content, file)
            assert int(split.targets["busy"][row]) == (len(found.classes) == 2)
            area = sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1, cls in rows_of(found) if cls == 0)
            assert int((split.targets["red"][row] == 1).sum()) == area
    labels = describe(splits).labels.loc["objects"].sum(axis=1)
    colors = [each["category_id"] for each in content["annotations"]]
    assert labels.to_dict() == {"red (objects)": colors.count(0), "blue (objects)": colors.count(1), "(missing)": 1}


def test_a_model_learns_ones_own_boxes_and_finds_them_in_files(tmp_path):
    content = scattered(tmp_path, 90, size=(41, 54))
    splits = from_coco(tmp_path, "boxes.json", size=(41, 54), val=0.1, test=0.2)
    model = models.scene_network(splits, channels=(8, 16, 24), width=16, hidden=16)
    before = evaluate(model, splits.test).metrics["objects"]
    training.fit(model, splits, epochs=30, batch_size=16, optimizer=training.adam(5e-3), progress=False)
    after = evaluate(model, splits.test).metrics["objects"]
    assert before < 0.2 and after > 0.6, (before, after)
    found = predict_boxes(model, splits.files["test"], like=splits, threshold=0.4)
    assert found[["x1", "y1"]].max().tolist() <= [54, 41] and set(found["class"]) == {"red", "blue"}
    best = found.loc[found["score"].idxmax()]
    file = next(file for file in splits.files["test"] if file.as_posix() == best["file"])
    names = list(COLORS)
    wanted = [each[:4] for each in truth(content, file) if names[each[4]] == best["class"]]
    assert any(best[["x0", "y0", "x1", "y1"]].tolist() == pytest.approx(each, abs=4) for each in wanted)


def test_any_model_with_a_head_on_a_map_learns_boxes(folder):
    splits = from_coco(folder, "boxes.json", size=40)

    def encoder(shape):
        return models.small_cnn(shape, channels=(8, 16), pool=False)

    model = models.hard_sharing(encoder, splits)
    (task,) = splits.tasks
    output = model(splits.train.batch(slice(0, 2))[0])["objects"]
    assert output.shape == (2, 6, 10, 10)
    assert output[:, :2].sigmoid().max() < 0.5  # a new head says "probably nothing", or the loss would begin in the hundreds
    history = training.fit(model, splits, epochs=12, batch_size=8, optimizer=training.adam(3e-3), progress=False)
    losses = [
        float(task.loss(model.train(False)(images)["objects"], targets["objects"]))
        for images, targets in splits.train.batches(32)
    ]
    assert np.isfinite(losses).all() and history is not None
    assert np.mean(losses) < float(task.loss(output.detach(), splits.train.batch(slice(0, 2))[1]["objects"])) + 50


def test_predicted_boxes_come_back_to_the_pixels_of_the_file(tmp_path):
    content = scattered(tmp_path, 24, size=(80, 112))
    with pytest.warns(UserWarning, match="cuts off"):
        splits = from_coco(tmp_path, "boxes.json", size=40, fit="crop", seen=0.9)

    class Knows(torch.nn.Module):
        def forward(self, images):
            targets = splits.test.targets["objects"].nan_to_num(0).clone()
            targets[:, :2] = torch.logit(targets[:, :2].clamp(1e-4, 1 - 1e-4))
            return {"objects": targets[: len(images)]}

    found = predict_boxes(Knows(), splits.files["test"], like=splits, threshold=0.99)
    assert len(found) > 2
    for row in found.itertuples():
        wanted = truth(content, next(file for file in splits.files["test"] if file.as_posix() == row.file))
        near = [each for each in wanted if [row.x0, row.y0, row.x1, row.y1] == pytest.approx(each[:4], abs=3)]
        assert near or min(row.x0, 112 - row.x1) > 15  # cut by the crop
        assert 16 - 1e-3 <= row.x0 < row.x1 <= 96 + 1e-3  # the crop shows these columns
    with pytest.raises(ValueError, match="name one detection"):
        predict_boxes(Knows(), splits.files["test"], like=splits, task="cats")
    (tmp_path / "broken.png").write_text("no image")
    with pytest.raises(FolderError, match=r"broken\.png"):
        predict_boxes(Knows(), tmp_path / "broken.png", like=splits)


# What goes wrong.


def test_sizes_that_the_file_states_wrongly(folder):
    content = content_of(folder)
    content["images"][1] |= {"width": 40, "height": 56}
    content["images"][2] |= {"width": 57}
    change(folder, content)
    with pytest.raises(FolderError, match=r"2 of 24 images") as told:
        from_coco(folder, "boxes.json", size=32)
    assert (
        "p001.png: the picture is 40×56 pixels, the file of boxes says 56×40; perhaps EXIF turns it" in told.value.problems[0]
    )
    assert "p002.png: the picture is 40×56 pixels, the file of boxes says 40×57" in told.value.problems[1]
    with pytest.warns(UserWarning, match="2 left out"):
        splits = from_coco(folder, "boxes.json", size=32, problems="skip")
    assert sum(len(files) for files in splits.files.values()) == 22
    (task,) = splits.tasks  # the others keep their own boxes
    for file, boxes in zip(splits.files["train"], boxes_in_targets(task, splits.train.targets["objects"]), strict=True):
        assert len(boxes.classes) == len(truth(content, file))


def test_a_box_outside_of_a_picture_whose_size_is_not_stated(tmp_path):
    content = scattered(tmp_path, states_sizes=False)
    content["annotations"][0]["bbox"] = [30, 0, 40, 10]
    change(tmp_path, content)
    with pytest.raises(FolderError, match=r"p001\.png: a box lies outside of the picture of 40×56"):
        from_coco(tmp_path, "boxes.json", size=32)


def test_boxes_that_share_a_cell_are_told(folder):
    content = content_of(folder)
    x, y, w, h = content["annotations"][0]["bbox"]
    twice = [*content["annotations"], {"id": 99, "image_id": 1, "category_id": 0, "bbox": [x + 1, y + 1, w - 2, h - 2]}]
    change(folder, content, annotations=twice)
    with pytest.warns(UserWarning, match=r"p001\.png: 1 of 2 boxes share a cell of 4×4 pixels"):
        splits = from_coco(folder, "boxes.json", size=None)
    assert len(splits.skipped) == 1


def test_pictures_that_no_file_names_are_counted(folder):
    content = content_of(folder)
    gone = content["images"].pop(0)
    change(folder, content)
    with pytest.warns(UserWarning, match=f"1 pictures that no file of boxes names, such as {gone['file_name']}"):
        from_coco(folder, "boxes.json", size=32)


def test_a_class_of_objects_that_only_the_test_shows(tmp_path):
    content = scattered(tmp_path, 12, name="a.json")
    change(tmp_path, content, name="a.json", annotations=[each for each in content["annotations"] if each["category_id"] == 0])
    scattered(tmp_path, 9, name="b.json", seed=1, prefix="q")
    with pytest.raises(FolderError, match=r"task 'objects': class 'blue' is in test only, such as q00"):
        from_coco(tmp_path, {"train": "a.json", "test": "b.json"}, size=32)
    change(tmp_path, content, name="a.json", annotations=[])
    with pytest.raises(FolderError, match="no training image has a box"):
        from_coco(tmp_path, "a.json", size=32, problems="skip")


def test_a_rare_class_of_objects_is_always_trained_on(folder):
    content = content_of(folder)
    for each in content["annotations"]:
        each["category_id"] = int(each["id"] == 3)
    change(folder, content)
    for seed in range(6):
        splits = from_coco(folder, "boxes.json", size=32, seed=seed)
        assert (splits.train.targets["objects"][:, 1] == 1).any()


def test_boxes_that_do_not_fit_the_table(folder):
    content = content_of(folder)
    write(
        folder / "labels.csv",
        [["file", "a"]] + [[each["file_name"], number % 2] for number, each in enumerate(content["images"])],
    )
    Image.new("RGB", (9, 9)).save(folder / "extra.png")
    change(folder, content, images=[*content["images"], {"id": 99, "file_name": "extra.png"}])
    arguments = {"size": 32, "problems": "skip"}
    with pytest.raises(FolderError, match=r"names pictures that have no row") as told:
        from_table(folder, boxes={"objects": BoxFile("boxes.json")}, **arguments)
    assert told.value.problems == (str(folder / "extra.png"),)
    with pytest.warns(UserWarning, match="extra.png has no row"):
        from_table(folder, boxes={"objects": BoxFile("boxes.json", others=True)}, **arguments)
    with pytest.raises(FolderError, match="'a' is a column, and masks or boxes"):
        from_table(folder, boxes={"a": BoxFile("boxes.json", others=True)}, **arguments)
    with pytest.raises(FolderError, match="'m' is a folder of masks and a file of boxes"):
        from_table(folder, boxes={"m": BoxFile("boxes.json")}, masks={"m": MaskFolder("m", ["a", "b"])}, **arguments)
    with pytest.raises(FolderError, match="there is no file"):
        from_table(folder, boxes={"objects": BoxFile("none.json")}, **arguments)
    with pytest.raises(FolderError, match="seen= is a share"):
        BoxFile("boxes.json", seen=0)


def test_entries_of_coco_that_make_no_sense(folder):
    content = content_of(folder)
    for part, changed, words in (
        ("images", [*content["images"], {"id": 99, "file_name": "p000.png"}], "p000.png is image 0 already"),
        ("annotations", [{"id": 1, "image_id": 1, "category_id": 0, "bbox": [float("nan"), 0, 3, 3]}], "is not finite"),
        ("annotations", [{"id": 1, "image_id": 1, "category_id": 0, "bbox": [0, 0, 1e400, 3]}], "has no extent"),
        ("images", [{"id": [1], "file_name": "p000.png"}], "has an 'id' that is no number"),
    ):
        change(folder, content, **{part: changed})
        with pytest.raises(FolderError, match=r"boxes\.json") as told:
            from_coco(folder, "boxes.json")
        assert words in str(told.value)
