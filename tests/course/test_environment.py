"""The check of the computer says in words what is missing, and goes on to the next line."""

import importlib.metadata
import subprocess
import sys

import pytest

from mtl_utils.course import environment
from mtl_utils.datasets import sources


def test_where_everything_is_there_it_is_ready(capsys):
    assert environment.check_environment()
    printed = capsys.readouterr().out
    assert "✗" not in printed
    assert "✓ torch " in printed
    assert "✓ MNIST: 70,000 images, as published" in printed
    assert printed.endswith("✓ ready\n")


def test_a_missing_package_and_one_that_is_too_old_are_named(monkeypatch, capsys):
    found = importlib.metadata.version

    def version(name):
        if name == "tqdm":
            raise importlib.metadata.PackageNotFoundError(name)
        return "0.1" if name == "pandas" else found(name)

    monkeypatch.setattr(environment, "version", version)
    assert not environment.check_environment()
    printed = capsys.readouterr().out
    assert "✗ tqdm is missing: run `pip install -r requirements.txt`" in printed
    assert "✗ pandas 0.1 is not >=2.2" in printed
    assert "✗ 2 thing(s) to mend" in printed


def test_the_course_itself_may_be_missing(monkeypatch, capsys):
    def requires(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(environment, "requires", requires)
    assert not environment.check_environment()
    assert "✗ the course's own package is not installed in this kernel" in capsys.readouterr().out


def test_damaged_images_are_told(monkeypatch, capsys):
    def damaged(name, train):
        raise sources.DataFileError(f"{name} is damaged: get it again")

    monkeypatch.setattr(sources, "load_source", damaged)
    assert not environment.check_environment()
    assert "✗ MNIST is damaged: get it again" in capsys.readouterr().out


@pytest.mark.parametrize("broken", ["torch", "torchvision", "packaging", "lazy_loader"])
def test_a_package_that_cannot_be_imported_ends_in_a_line_of_its_own(broken):
    # In a process of its own, where nothing has been imported yet. None in sys.modules makes an import fail.
    where = "mtl_utils.course.environment"
    code = f"import sys; sys.modules[{broken!r}] = None; from {where} import check_environment as c; print(c())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, encoding="utf-8")
    lines = done.stdout.splitlines()
    assert lines[-1] == "False"
    assert any(line.startswith("✗") and broken in line for line in lines)
    assert "✓ ready" not in lines


@pytest.mark.parametrize(
    ("missing", "use"),
    [
        ("lazy_loader", "from mtl_utils import datasets"),
        ("lazy_loader", "import mtl_utils; mtl_utils.fit"),
        ("torch", "from mtl_utils import models"),
        ("matplotlib", "from mtl_utils import plotting"),
    ],
)
def test_whoever_skips_the_check_reads_which_package_is_missing_and_what_installs_it(missing, use):
    code = f"import sys; sys.modules[{missing!r}] = None\n{use}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"ModuleNotFoundError: the package {missing} is missing: run `pip install -r requirements.txt`")


def test_a_name_that_is_not_there_is_no_missing_package():
    import mtl_utils

    with pytest.raises(AttributeError, match="nothing_of_that_name"):
        _ = mtl_utils.nothing_of_that_name
