"""Weights files: exact round trips, all or nothing, and clear words about files that will not do."""

import copy
import os
import pickle

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import nn

from mtl_utils import models
from mtl_utils.models import WeightsFileError, load_weights, save_weights


@pytest.fixture
def file(shared, tmp_path):
    return save_weights(shared, tmp_path / "model.safetensors")


def copy_of(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def same(model, weights):
    return all(torch.equal(tensor, weights[name]) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize("way", [models.hard_sharing, models.separate_networks, models.cross_stitch, models.mtan])
def test_a_round_trip_gives_the_same_weights_to_the_bit(way, two_digits, tmp_path):
    one, two = way(models.small_cnn, two_digits, seed=0), way(models.small_cnn, two_digits, seed=1)
    one.to(memory_format=torch.channels_last)
    load_weights(two, str(save_weights(one, tmp_path / "model.safetensors")))
    assert same(two, copy_of(one))


def test_only_tensors_are_in_the_file_and_nothing_else_in_the_folder(file, shared):
    assert [path.name for path in file.parent.iterdir()] == ["model.safetensors"]
    assert set(load_file(file)) == set(shared.state_dict())


def test_a_save_that_fails_leaves_the_old_file(file, shared, monkeypatch):
    before = file.read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        OSError, match=r"could not save the weights \(No space left on device\); the file there stays as it was"
    ):
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
    damaged = file.with_name("damaged.safetensors")
    damaged.write_bytes(content)
    before = copy_of(shared)
    try:
        load_weights(shared, damaged)
    except WeightsFileError as error:
        assert "damaged.safetensors" in str(error)
    assert same(shared, before)


class Evil:
    def __reduce__(self):
        return os.mkdir, ("evil",)


@pytest.mark.parametrize(
    "content", [b"", b"not weights at all", pickle.dumps({"a": 1}), pickle.dumps(Evil()), b"\x80\x04", b"PK\x03\x04"]
)
def test_a_file_of_something_else_is_refused_and_never_run(content, shared, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.safetensors").write_bytes(content)
    before = copy_of(shared)
    with pytest.raises(
        WeightsFileError, match=r"other.safetensors is (damaged or not a weights file|a pickle|a file of torch.s)"
    ):
        load_weights(shared, tmp_path / "other.safetensors")
    assert same(shared, before)
    assert not (tmp_path / "evil").exists()


def test_a_file_that_lost_its_checksum_or_came_from_elsewhere_is_told(shared, tmp_path):
    save_file(shared.state_dict(), tmp_path / "other.safetensors")
    with pytest.raises(WeightsFileError, match=r"damaged, or was not written by save_weights \(its checksum is missing\)"):
        load_weights(shared, tmp_path / "other.safetensors")


def test_an_altered_number_is_found(file, shared):
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(content)
    before = copy_of(shared)
    with pytest.raises(WeightsFileError, match=r"its checksum does not fit"):
        load_weights(shared, file)
    assert same(shared, before)


class Holder(nn.Module):
    """A module whose state is a given dictionary of tensors."""

    def __init__(self, state):
        super().__init__()
        self._state = state

    def state_dict(self):
        return self._state


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("heads.right.weight"), r"lacks 'heads.right.weight' \(1 such"),
        (lambda w: w.update(extra=torch.zeros(1)), r"has, but this model has not, 'extra'"),
        (
            lambda w: w.update({"heads.left.weight": torch.zeros(10, 50)}),
            r"'heads.left.weight' has shape \(10, 50\) in the file, \(10, 12\) in this model",
        ),
        (
            lambda w: w.update({"heads.left.weight": w["heads.left.weight"].double()}),
            r"'heads.left.weight' has type torch.float64 in the file, torch.float32 in this model",
        ),
    ],
)
def test_weights_of_another_model_are_told(change, message, shared, tmp_path):
    before, weights = copy_of(shared), copy_of(shared)
    change(weights)
    file = save_weights(Holder(weights), tmp_path / "other.safetensors")
    with pytest.raises(WeightsFileError, match=rf"belongs to another model: .*{message}"):
        load_weights(shared, file)
    assert same(shared, before)


def test_a_model_that_cannot_take_the_weights_keeps_its_own(shared, two_digits, encoder, tmp_path):
    other = models.hard_sharing(encoder, two_digits, seed=1)
    # A weight that shows one number twelve times, and so cannot be written to: the last in the order of loading.
    for each in (shared, other):
        each.heads.register_buffer("odd", torch.zeros(1).expand(12))
    file = save_weights(other, tmp_path / "other.safetensors")
    before = copy_of(shared)
    with pytest.raises(WeightsFileError, match=r"(?s)fits, but the model did not take it: .*odd"):
        load_weights(shared, file)
    assert same(shared, before)


def test_a_model_without_memory_is_told(shared, two_digits, encoder, file):
    empty = models.hard_sharing(encoder, two_digits).to("meta")
    with pytest.raises(ValueError, match=r"'encoder.conv.0.weight' is on the meta device and has no memory, so nothing can be"):
        load_weights(empty, file)
    with pytest.raises(ValueError, match=r"meta device and has no memory, so it cannot be saved; model.to_empty"):
        save_weights(empty, file)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (torch.zeros(2, 2).to_sparse(), "'a' is sparse, not a plain tensor"),
        (torch.quantize_per_tensor(torch.zeros(2), 1.0, 0, torch.qint8), "'a' is quantized, not a plain tensor"),
        ("words", "'a' in the model's state is a str, not a tensor"),
    ],
)
def test_what_is_no_plain_tensor_is_told(value, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        save_weights(Holder({"a": value}), tmp_path / "other.safetensors")
    file = save_weights(Holder({"a": torch.zeros(2, 2)}), tmp_path / "good.safetensors")
    with pytest.raises(ValueError, match=message):
        load_weights(Holder({"a": value}), file)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.int64, torch.bool, torch.complex64])
def test_every_type_goes_round_to_the_bit(dtype, tmp_path):
    state = {
        "a": torch.arange(6).reshape(2, 3).to(dtype),
        "scalar": torch.tensor(1).to(dtype),
        "empty": torch.zeros(0, dtype=dtype),
    }
    tied = nn.Module()
    for name, tensor in state.items():
        tied.register_buffer(name, tensor)
    tied.register_buffer("same", tied.a)  # shares its memory
    other = copy.deepcopy(tied)
    other.a.zero_()
    load_weights(other, save_weights(tied, tmp_path / "model.safetensors"))
    assert same(other, copy_of(tied))


def test_pipes_devices_and_links_are_left_alone(shared, file, tmp_path):
    os.mkfifo(tmp_path / "pipe.safetensors")
    (tmp_path / "device.safetensors").symlink_to("/dev/zero")
    (tmp_path / "link.safetensors").symlink_to(file)
    before = file.read_bytes()
    for name, kind in (("pipe", "a device, a pipe or a socket"), ("device", "a link"), ("link", "a link")):
        with pytest.raises(FileExistsError, match=rf"{name}.safetensors is {kind}, and only a regular file is replaced"):
            save_weights(shared, tmp_path / f"{name}.safetensors")
    for name in ("pipe", "device"):
        with pytest.raises(FileNotFoundError, match=r"only something that is no file"):
            load_weights(shared, tmp_path / f"{name}.safetensors")
    assert (tmp_path / "link.safetensors").is_symlink()
    assert (tmp_path / "pipe.safetensors").is_fifo()
    assert file.read_bytes() == before
    load_weights(shared, tmp_path / "link.safetensors")  # reading through a link harms nobody


def test_another_suffix_is_told(shared, tmp_path):
    with pytest.raises(ValueError, match=r"saved as safetensors: name the file 'model.safetensors', not 'model.pt'"):
        save_weights(shared, tmp_path / "model.pt")
    torch.save(shared.state_dict(), tmp_path / "old.pt")
    with pytest.raises(WeightsFileError, match=r"old.pt is a file of torch.save, and could run code .*as 'old.safetensors'"):
        load_weights(shared, tmp_path / "old.pt")


def test_a_missing_file_or_folder_is_told(shared, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no weights file .*none.safetensors"):
        load_weights(shared, tmp_path / "none.safetensors")
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*nowhere to save 'model.safetensors' in"):
        save_weights(shared, tmp_path / "nowhere" / "model.safetensors")
    with pytest.raises(IsADirectoryError, match=r"is a folder; name a file, such as .*model.safetensors"):
        save_weights(shared, tmp_path)
    assert list(tmp_path.iterdir()) == []
