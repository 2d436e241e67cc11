"""Weights files: exact round trips, all or nothing, and clear words about files that will not do."""

import os
import pickle

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtl_utils import models
from mtl_utils.models import WeightsFileError, load_weights, save_weights


@pytest.fixture
def file(shared, tmp_path):
    return save_weights(shared, tmp_path / "model.pt")


def copy_of(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def same(model, weights):
    return all(torch.equal(tensor, weights[name]) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize("way", [models.hard_sharing, models.separate_networks, models.cross_stitch, models.mtan])
def test_a_round_trip_gives_the_same_weights_to_the_bit(way, two_digits, tmp_path):
    one, two = way(models.small_cnn, two_digits, seed=0), way(models.small_cnn, two_digits, seed=1)
    one.to(memory_format=torch.channels_last)
    load_weights(two, str(save_weights(one, tmp_path / "model.pt")))
    assert same(two, copy_of(one))


def test_only_tensors_are_in_the_file_and_nothing_else_in_the_folder(file, shared):
    assert [path.name for path in file.parent.iterdir()] == ["model.pt"]
    assert set(torch.load(file, weights_only=True)) == set(shared.state_dict())


def test_a_save_that_fails_leaves_the_old_file(file, shared, monkeypatch):
    before = file.read_bytes()

    def full(weights, path):
        with open(path, "wb") as half:  # noqa: PTH123
            half.write(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match=r"no space left"):
        save_weights(shared, file)
    assert file.read_bytes() == before
    assert len(list(file.parent.iterdir())) == 1


def test_whoever_can_read_the_folder_can_read_the_file(file):
    plain = file.with_name("plain")
    plain.write_bytes(b"")
    assert file.stat().st_mode == plain.stat().st_mode


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damage_is_found_or_harmless_wherever_it_is(file, shared, data):
    content = bytearray(file.read_bytes())
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        for _ in range(data.draw(st.integers(1, 30))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    damaged = file.with_name("damaged.pt")
    damaged.write_bytes(content)
    before = copy_of(shared)
    try:
        load_weights(shared, damaged)
    except WeightsFileError as error:
        assert "damaged.pt" in str(error)
    assert same(shared, before)


class Evil:
    def __reduce__(self):
        return os.mkdir, ("evil",)


@pytest.mark.parametrize(
    "content", [b"", b"not weights at all", pickle.dumps({"a": 1}), pickle.dumps(Evil()), b"\x80\x04", b"PK\x03\x04"]
)
def test_a_file_of_something_else_is_refused_and_never_run(content, shared, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.pt").write_bytes(content)
    before = copy_of(shared)
    with pytest.raises(WeightsFileError, match=r"other.pt (is damaged or not a weights file|does not hold weights)"):
        load_weights(shared, tmp_path / "other.pt")
    assert same(shared, before)
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("content", [[1, 2], {"a": 3}, torch.zeros(2)])
def test_a_file_without_a_dictionary_of_tensors_is_told(content, shared, tmp_path):
    torch.save(content, tmp_path / "other.pt")
    with pytest.raises(WeightsFileError, match=r"expected a dictionary of tensors"):
        load_weights(shared, tmp_path / "other.pt")


def test_weights_of_another_model_are_told(shared, two_digits, encoder, tmp_path):
    before = copy_of(shared)
    others = {
        "lacks 'heads.right.weight'": models.single_task(encoder, two_digits, "left"),
        "has, but this model has not, ": models.hard_sharing(models.lenet, two_digits),
        r"'heads.left.weight' has shape \(10, 50\) in the file, \(10, 12\) in this model": None,
    }
    for message, other in others.items():
        weights = copy_of(shared) if other is None else other.state_dict()
        if other is None:
            weights["heads.left.weight"] = torch.zeros(10, 50)
        elif "lacks" not in message:
            weights = copy_of(shared) | {"extra": torch.zeros(1)}
        torch.save(weights, tmp_path / "other.pt")
        with pytest.raises(WeightsFileError, match=rf"belongs to another model: .*{message}"):
            load_weights(shared, tmp_path / "other.pt")
        assert same(shared, before)


def test_a_missing_file_or_folder_is_told(shared, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no weights file .*none.pt"):
        load_weights(shared, tmp_path / "none.pt")
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*nowhere to save 'model.pt' in"):
        save_weights(shared, tmp_path / "nowhere" / "model.pt")
    with pytest.raises(IsADirectoryError, match=r"is a folder; name a file, such as .*model.pt"):
        save_weights(shared, tmp_path)
    assert list(tmp_path.iterdir()) == []
