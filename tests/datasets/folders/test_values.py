"""Real values per pixel (depth) from 16-bit images: read by value, framed without mixing, missing where not measured."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from mtl_utils import models, training
from mtl_utils.datasets import FolderError, MaskFolder, ValueFolder, from_table
from mtl_utils.datasets.folders import ImageFileError, decode_values, describe
from tests.datasets.folders.pictures import colored


def depth_of(number):
    """Millimeters, with a corner that was not measured."""
    values = (1000 + 100 * number + np.arange(12 * 10).reshape(12, 10)).astype(np.uint16)
    values[:2, :3] = 0
    return values


@pytest.fixture
def folder(tmp_path):
    colored(tmp_path, 20)
    (tmp_path / "depth").mkdir()
    for number in range(20):
        if number != 4:
            Image.fromarray(depth_of(number)).save(tmp_path / "depth" / f"p{number:03}.png")
    return tmp_path


def values_of(splits):
    return {
        file.name: value
        for part, files in splits.files.items()
        for file, value in zip(files, getattr(splits, part).batch(slice(0, len(files)))[1]["depth"], strict=True)
    }


@pytest.mark.parametrize("memory", [2.0, 0])
def test_millimeters_become_meters(folder, memory):
    splits = from_table(folder, masks={"depth": ValueFolder("depth", scale=0.001)}, size=None, memory=memory)
    task = splits.train.task("depth")
    assert (task.kind, task.stride, task.is_classification) == ("pixel regression", 1, False)
    found = values_of(splits)
    for number in (0, 7, 19):
        value = found[f"p{number:03}.png"]
        assert value.shape == (1, 12, 10) and value.dtype == torch.float32
        assert torch.isnan(value[0, :2, :3]).all() and torch.isnan(value).sum() == 6
        assert value[0, 5].tolist() == pytest.approx((depth_of(number)[5] / 1000).tolist(), abs=1e-6)
    assert torch.isnan(found["p004.png"]).all()
    assert describe(splits).labels.loc["depth"].sum(axis=1).to_dict() == {"masks": 19, "(missing)": 1}


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_scaling_invents_no_depth(folder, fit):
    splits = from_table(folder, masks={"depth": ValueFolder("depth")}, size=(18, 24), fit=fit)
    for name, value in values_of(splits).items():
        measured = set(depth_of(int(name[1:4])).ravel().tolist()) - {0}
        assert set(value[~torch.isnan(value)].tolist()) <= measured
        bars = torch.isnan(value[0]).all(0).sum()
        assert name == "p004.png" or int(bars) == (9 if fit == "pad" else 0)


def test_missing_pixels_reach_neither_loss_nor_metric_and_a_network_learns(folder):
    masks = {"depth": ValueFolder("depth", scale=0.001), "place": MaskFolder("m", ["low", "high"])}
    (folder / "m").mkdir()
    for number in range(20):
        Image.fromarray((depth_of(number) > 1500).astype(np.uint8)).save(folder / "m" / f"p{number:03}.png")
    splits = from_table(folder, tasks=["color"], masks=masks, size=(12, 10))

    def encoder(shape):
        return models.small_cnn(shape, channels=(8, 8), pool=False)

    model = models.hard_sharing(encoder, splits)
    task = splits.train.task("depth")
    images, targets = splits.train.batch(slice(0, len(splits.train)))
    before = task.loss(model.eval()(images)["depth"], targets["depth"])
    training.fit(model, splits, epochs=30, batch_size=8, optimizer=training.adam(3e-3), progress=False)
    after = task.loss(model.eval()(images)["depth"], targets["depth"])
    assert torch.isfinite(after) and after < before / 2


def test_numbers_of_every_kind(tmp_path):
    rows = np.array([[0, 1, 7], [255, 300, 65535]])
    for name, values, wanted in (
        ("a.png", rows.astype(np.uint16), rows),
        ("b.png", (rows % 256).astype(np.uint8), rows % 256),
        ("c.tif", (rows / 7).astype(np.float32), rows / 7),
        ("d.tif", rows.astype(np.int32), rows),
    ):
        Image.fromarray(values).save(tmp_path / name)
        found = decode_values(tmp_path / name)
        assert found.dtype == torch.float32
        np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-6)


def test_files_that_hold_no_values(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "colors.png")
    Image.new("P", (4, 4)).save(tmp_path / "palette.png")
    Image.fromarray(np.array([[1.0, np.inf]], dtype=np.float32)).save(tmp_path / "infinite.tif")
    (tmp_path / "broken.png").write_bytes((tmp_path / "colors.png").read_bytes()[:40])
    for name, words in (
        ("colors", "must be gray"),
        ("palette", "must be gray"),
        ("infinite", "is infinite"),
        ("broken", "damaged"),
    ):
        (file,) = tmp_path.glob(f"{name}.*")
        with pytest.raises(ImageFileError, match=f"{name}.*{words}"):
            decode_values(file)


def test_a_map_of_another_size_and_a_scale_that_makes_no_sense(folder):
    Image.fromarray(np.ones((5, 5), dtype=np.uint16)).save(folder / "depth" / "p003.png")
    with pytest.raises(FolderError, match=r"p003\.png: the mask is 5×5 pixels, its picture 12×10"):
        from_table(folder, masks={"depth": ValueFolder("depth")}, size=8)
    for scale in (0, -1, float("nan"), float("inf"), True):
        with pytest.raises(FolderError, match="scale= must be a number above zero"):
            ValueFolder("depth", scale=scale)
