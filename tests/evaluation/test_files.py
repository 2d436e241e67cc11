"""Predictions for files without labels, as a table."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import torch
from PIL import Image

from mtl_utils import fit, models, predict, predict_files
from mtl_utils.datasets import FolderError, from_table


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    generator = np.random.default_rng(0)
    with (folder / "labels.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["file", "side", "amount"])
        for number in range(40):
            pixels = generator.integers(0, 60, (16, 20, 3), dtype=np.uint8)
            pixels[:, 10 * (number % 2) : 10 * (number % 2) + 10] += 150
            Image.fromarray(pixels).save(folder / f"{number:02}.png")
            writer.writerow([f"{number:02}.png", ["left", "right"][number % 2], number % 2 + 0.5])
    splits = from_table(folder, size=16, fit="stretch")
    model = models.hard_sharing(models.small_cnn, splits)
    fit(model, splits, epochs=15, batch_size=14, progress=False, device="cpu")
    return folder, splits, model


def test_files_get_the_answers_of_predict(trained):
    _, splits, model = trained
    table = predict_files(model, splits.files["test"], splits)
    outputs = predict(model, splits.test)
    names = [splits.tasks[0].class_names[number] for number in outputs["side"].argmax(1).tolist()]
    assert table["side"].tolist() == names
    assert np.allclose(table["side probability"], outputs["side"].softmax(1).amax(1))
    assert np.allclose(table["amount"], outputs["amount"][:, 0])
    assert table["file"].tolist() == [file.as_posix() for file in splits.files["test"]]


def test_a_folder_and_a_single_file(trained):
    folder, splits, model = trained
    table = predict_files(model, folder, splits, batch_size=7)
    assert len(table) == 40
    assert list(table.columns) == ["file", "side", "side probability", "amount"]
    one = predict_files(model, folder / "03.png", splits)
    assert one["side"].tolist() == [table.loc[3, "side"]]


def test_what_cannot_be_decoded_has_its_reason_and_no_answer(trained, tmp_path):
    folder, splits, model = trained
    (tmp_path / "bad.png").write_bytes(b"no image")
    table = predict_files(model, [folder / "00.png", tmp_path / "bad.png"], splits)
    assert table["problem"][0] == ""
    assert "not an image" in table["problem"][1]
    assert table.loc[1, ["side", "amount"]].isna().all()
    (tmp_path / "empty").mkdir()
    with pytest.raises(FolderError, match="no image to predict for"):
        predict_files(model, tmp_path / "empty", splits)


def test_an_exported_model_gives_equal_outputs(trained, tmp_path):
    import onnxruntime

    _, splits, model = trained
    whole = models.FromPixels(model.cpu(), *splits.train.normalization)
    images = splits.test.images[:4]
    program = torch.export.export(whole, (images,), dynamic_shapes=({0: torch.export.Dim.AUTO},))
    torch.export.save(program, tmp_path / "model.pt2")
    again = torch.export.load(tmp_path / "model.pt2").module()
    torch.onnx.export(program, dynamo=True, verbose=False).save(tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    for batch in (images, splits.test.images[:3]):
        expected = whole(batch)
        found = session.run(None, {"images": batch.numpy()})
        for (name, mine), theirs in zip(expected.items(), found, strict=True):
            assert torch.allclose(again(batch)[name], mine, atol=1e-5)
            assert torch.allclose(torch.from_numpy(theirs), mine, atol=1e-4)
