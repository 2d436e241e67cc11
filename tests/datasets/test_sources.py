"""The published images: read where they lie, never written, and refused when a byte differs."""

import gzip
import shutil
import socket

import pytest
import torch
from torchvision.datasets import MNIST, FashionMNIST

from mtl_utils import datasets
from mtl_utils.datasets.sources import DataFileError, data_folder, load_source

ARCHIVES = {
    ("MNIST", True): ("train-images-idx3-ubyte.gz", 60_000),
    ("MNIST", False): ("t10k-images-idx3-ubyte.gz", 10_000),
    ("FashionMNIST", True): ("train-images-idx3-ubyte.gz", 60_000),
    ("FashionMNIST", False): ("t10k-images-idx3-ubyte.gz", 10_000),
}


@pytest.fixture
def folder(tmp_path):
    """A copy of the test part of MNIST (the small files)."""
    copy = tmp_path / "MNIST" / "raw"
    copy.mkdir(parents=True)
    for archive in (data_folder() / "MNIST" / "raw").glob("t10k*.gz"):
        shutil.copy(archive, copy)
    return tmp_path


def contents(folder):
    return {path.name: (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("name", "train"), ARCHIVES)
def test_images_and_labels_are_the_published_ones(name, train):
    source = load_source(name, train=train)
    archive, count = ARCHIVES[name, train]
    assert source.images.shape == (count, 28, 28)
    assert source.images.dtype == torch.uint8
    assert (
        torch.bincount(source.labels).tolist() == [count // 10] * 10 if name == "FashionMNIST" else len(source.labels) == count
    )
    with gzip.open(data_folder() / name / "raw" / archive) as file:
        file.seek(16 + 784 * (count - 1))
        assert source.images[-1].numpy().tobytes() == file.read()
    assert len(source.class_names) == 10


def test_the_first_images_are_the_well_known_ones():
    assert load_source("MNIST", train=True).labels[:8].tolist() == [5, 0, 4, 1, 9, 2, 1, 3]
    clothes = load_source("FashionMNIST", train=True)
    assert [clothes.class_names[label] for label in clothes.labels[:3]] == ["boot", "T-shirt", "T-shirt"]


def test_torchvision_accepts_the_files_without_a_network(tmp_path, monkeypatch):
    def no_network(*_, **__):
        raise AssertionError("the network was asked for")

    monkeypatch.setattr(socket, "socket", no_network)
    monkeypatch.setattr(socket, "create_connection", no_network)
    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    for name, published in (("MNIST", MNIST), ("FashionMNIST", FashionMNIST)):
        shutil.copytree(
            data_folder() / name / "raw", tmp_path / name / "raw", ignore=lambda _, names: [n for n in names if n[-3:] != ".gz"]
        )
        theirs, ours = published(tmp_path, train=False, download=True), load_source(name, train=False)
        assert torch.equal(theirs.data, ours.images)
        assert torch.equal(theirs.targets, ours.labels)


def test_the_environment_variable_names_another_folder(folder, monkeypatch):
    monkeypatch.setenv("MTL_DATA", str(folder))
    assert data_folder() == folder
    assert len(load_source("MNIST", train=False).images) == 10_000
    with pytest.raises(DataFileError, match=rf"{folder}.*train-images.*is missing"):
        load_source("MNIST", train=True)
    monkeypatch.setenv("MTL_DATA", "")
    assert (data_folder() / "README.md").is_file()


def test_a_read_only_folder_is_the_ordinary_case(folder):
    before = contents(folder)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        load_source("MNIST", train=False, folder=folder)
        assert contents(folder) == before
    finally:
        for path in (folder, folder / "MNIST", folder / "MNIST" / "raw"):
            path.chmod(0o755)


def cut(archive):
    archive.write_bytes(archive.read_bytes()[:-100])


def flip(archive):
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 1
    archive.write_bytes(content)


def empty(archive):
    archive.write_bytes(b"")


def recompress(archive):
    archive.write_bytes(gzip.compress(gzip.decompress(archive.read_bytes()), 1))


@pytest.mark.parametrize("spoil", [cut, flip, empty, recompress])
@pytest.mark.parametrize("file", ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"])
def test_a_damaged_file_is_refused_by_its_checksum_and_left_alone(folder, spoil, file):
    archive = folder / "MNIST" / "raw" / file
    spoil(archive)
    before = contents(folder)
    with pytest.raises(DataFileError, match=rf"MNIST: the data file .*{file} is damaged.*git checkout -- data/MNIST.*MTL_DATA"):
        load_source("MNIST", train=False, folder=folder)
    assert contents(folder) == before


def test_a_missing_file_or_folder_is_told_with_how_to_get_it(folder, monkeypatch):
    (folder / "MNIST" / "raw" / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataFileError, match=r"t10k-labels-idx1-ubyte.gz is missing. Restore it with"):
        load_source("MNIST", train=False, folder=folder)
    monkeypatch.setenv("MTL_DATA", str(folder / "nowhere"))
    with pytest.raises(DataFileError, match=r"FashionMNIST: the data file .*nowhere.* is missing"):
        datasets.multi_fashion_mnist(10, 10, 10)


def test_a_folder_in_the_place_of_a_file_is_told(folder):
    archive = folder / "MNIST" / "raw" / "t10k-labels-idx1-ubyte.gz"
    archive.unlink()
    archive.mkdir()
    with pytest.raises(DataFileError, match=r"cannot be read"):
        load_source("MNIST", train=False, folder=folder)


def test_an_unknown_name_is_told():
    with pytest.raises(ValueError, match=r"no source is called 'mnist'; there are MNIST and FashionMNIST"):
        load_source("mnist", train=True)
