"""Claims are judged one by one, with other seeds and as other machines, and the files stay as they are."""

import csv
import re

import nbformat
import pytest
import torch

from mtl_utils.course import replicate as command
from mtl_utils.course.claims import ClaimError, agree, claim
from mtl_utils.course.recording import FILE, Judged, read_claims
from mtl_utils.course.replicate import good_enough
from mtl_utils.course.replicate_kept import Kept
from mtl_utils.course.replicate_runs import MACHINES, Outcome, Place, Run
from mtl_utils.course.replicate_table import Row, print_rows, rows_of, write_table
from mtl_utils.randomness import RandomState, generator, seed_shift, seeded


def drawn(seed=0):
    return torch.rand(4, generator=generator(seed))


def test_a_shift_is_added_to_every_seed(monkeypatch):
    expected = drawn(1000)
    with seeded(1000):
        global_one = torch.rand(4)
    monkeypatch.setenv("MTL_SEED_SHIFT", "1000")
    assert torch.equal(drawn(0), expected)
    with seeded(0):
        assert torch.equal(torch.rand(4), global_one)
    with RandomState(0):
        assert torch.equal(torch.rand(4), global_one)


@pytest.mark.parametrize("nothing", ["", "0"])
def test_without_a_shift_a_seed_is_itself(monkeypatch, nothing):
    monkeypatch.setenv("MTL_SEED_SHIFT", nothing)
    assert seed_shift() == 0
    assert generator(7).initial_seed() == 7


def test_a_shift_that_is_no_number_is_refused(monkeypatch):
    monkeypatch.setenv("MTL_SEED_SHIFT", "many")
    with pytest.raises(ValueError, match="MTL_SEED_SHIFT must be a whole number, not 'many'"):
        generator(0)


def test_recorded_claims_do_not_raise(tmp_path, monkeypatch):
    monkeypatch.setenv(FILE, str(tmp_path / "claims"))
    claim("two is less than one", False, two=2)
    agree("both are the same", [1.0], [1.0, 2.0])
    claim("so it goes on: “ü”", True)
    assert read_claims(tmp_path / "claims") == [
        Judged("two is less than one", False, "measured: two = 2"),
        Judged("both are the same", False, "shapes (1,) and (2,)"),
        Judged("so it goes on: “ü”", True),
    ]
    monkeypatch.delenv(FILE)
    with pytest.raises(ClaimError):
        claim("two is less than one", False, two=2)


NOTEBOOK = [
    "import os\nfrom mtl_utils.course import claim\nfrom mtl_utils.randomness import generator",
    "seed = generator(0).initial_seed()\nclaim('the seed is small', seed < 1000, seed=seed)\nclaim('one is one', 1 == 1)",
    "1 / (seed - 2000)\nclaim('the seed is not 2000', True)",
    "claim('PyTorch may use everything', 'ATEN_CPU_CAPABILITY' not in os.environ)",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebooks")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in NOTEBOOK])
    nbformat.write(notebook, folder / "00_tiny.ipynb")
    return folder


def test_a_notebook_is_judged_in_every_way(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("ATEN_CPU_CAPABILITY", raising=False)  # the tests themselves may run as an older processor
    before = (folder / "00_tiny.ipynb").read_bytes()
    table = tmp_path / "claims.csv"
    arguments = [
        *("--notebooks", str(folder), "--only", "00", "--jobs", "2", "--table", str(table)),
        *("--shift", "5", "2000", "--machine", "one-thread", "default"),
    ]
    assert command.main(arguments) == 1
    assert (folder / "00_tiny.ipynb").read_bytes() == before
    rows = {row["claim"]: row for row in csv.DictReader(table.open(encoding="utf-8"))}
    held = {name: (int(row["shifts_held"]), int(row["machines_held"])) for name, row in rows.items()}
    assert held == {
        "the seed is small": (1, 2),
        "one is one": (2, 2),
        "the seed is not 2000": (1, 2),
        "PyTorch may use everything": (2, 1),
    }
    assert rows["the seed is small"]["where_not"] == "seeds +2000: measured: seed = 2000"
    assert rows["the seed is not 2000"]["where_not"] == "seeds +2000: not reached"
    assert rows["PyTorch may use everything"]["where_not"] == "default: no numbers"
    printed = capsys.readouterr().out
    assert re.search(r"^00_tiny, seeds \+2000: 2 claims hold, 1 fail, 1 errors, \d+ s$", printed, re.MULTILINE)
    assert "1 of 4 claims hold in every run (25.0%)" in printed
    assert "00_tiny, seeds +2000: cell 2 raised ZeroDivisionError" in printed


def test_a_notebook_that_is_not_there_is_named(folder, capsys):
    assert command.main(["--notebooks", str(folder), "--only", "00,77"]) == 2
    assert "no notebook 77" in capsys.readouterr().err


def test_two_threads_are_never_run_beside_another(monkeypatch, folder):
    here = []
    monkeypatch.setattr(command, "run_notebook", lambda path, run: here.append(run) or Outcome(path.stem, run, {}, (), 0.0))
    list(command.replicate([folder / "00_tiny.ipynb"], [Run(machine="two-threads")], jobs=2))
    assert here == [Run(machine="two-threads")]
    assert here[0].environment()["OMP_NUM_THREADS"] == "2"


def test_each_machine_has_its_variables():
    assert Run(machine="default", threads=1).environment() == {
        **MACHINES["default"],
        "OMP_NUM_THREADS": "1",
        "MTL_SEED_SHIFT": "0",
    }
    assert Run(shift=-3).name == "seeds -3"
    assert Run(shift=-3).environment() == {"MTL_SEED_SHIFT": "-3"}


def outcome(run, **held):
    claims = {Place("00", 1, nth): Judged(name, holds, "measured: x = 1") for nth, (name, holds) in enumerate(held.items())}
    return Outcome("00", run, claims, (), 1.0)


def test_nine_of_ten_shifts_are_enough_and_all_machines_are_needed():
    shifts = [outcome(Run(shift=shift), a=shift > 1) for shift in range(1, 11)]
    assert good_enough(rows_of(shifts))
    assert not good_enough(rows_of(shifts[:9]))
    assert not good_enough(rows_of([*shifts, outcome(Run(machine="avx2"), a=False)]))


def test_the_markdown_table_has_a_row_for_every_claim(tmp_path, capsys):
    rows = rows_of([outcome(Run(shift=1), a=True, b=False), outcome(Run(), a=True, b=True)])
    assert rows[1] == Row("00", 1, "b", 0, 1, 1, 1, "seeds +1: measured: x = 1")
    write_table(rows, tmp_path / "t.md", "Runs: two.")
    assert (tmp_path / "t.md").read_text().splitlines()[0] == "Runs: two."
    assert "| 00 | 1 | b | 0 of 1 | 1 of 1 | seeds +1: measured: x = 1 |" in (tmp_path / "t.md").read_text()
    print_rows(rows)
    assert "✗ 00, cell 1: b" in capsys.readouterr().out
    with pytest.raises(ValueError, match=r"\.csv or \.md"):
        write_table(rows, tmp_path / "t.txt", "")


def test_what_is_kept_is_not_run_again_until_the_notebook_changes(folder, tmp_path, capsys, monkeypatch):
    ran = []

    def run_notebook(path, run):
        ran.append(run.name)
        return Outcome(path.stem, run, {Place(path.stem, 1, 0): Judged("“ü” holds", True, "x = 1")}, (), 1.0)

    monkeypatch.setattr(command, "run_notebook", run_notebook)
    path = tmp_path / "00_tiny.ipynb"
    path.write_bytes((folder / "00_tiny.ipynb").read_bytes())
    keep = tmp_path / "kept.jsonl"
    arguments = ["--notebooks", str(tmp_path), "--keep", str(keep), "--table", str(tmp_path / "claims.csv")]
    assert command.main([*arguments, "--shift", "1"]) == 0
    assert command.main([*arguments, "--shift", "1", "2"]) == 0
    assert ran == ["seeds +1", "seeds +2"]
    (row,) = csv.DictReader((tmp_path / "claims.csv").open(encoding="utf-8"))
    assert (row["claim"], row["shifts_held"], row["shifts"]) == ("“ü” holds", "2", "2")

    notebook = nbformat.read(path, 4)
    notebook.cells[0].source += "\n# another line"
    nbformat.write(notebook, path)
    assert command.main([*arguments, "--shift", "1"]) == 0
    assert ran == ["seeds +1", "seeds +2", "seeds +1"]

    keep.write_text("not an outcome\n")
    assert command.main([*arguments, "--shift", "1"]) == 2
    assert "kept.jsonl, line 1 is no outcome of a replication" in capsys.readouterr().err


def test_a_kernel_that_dies_costs_its_own_run_and_no_other(tmp_path, capsys):
    cells = [*NOTEBOOK[:2], "if seed == 5:\n    os._exit(1)"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    nbformat.write(notebook, tmp_path / "00_tiny.ipynb")
    keep, table = tmp_path / "kept.jsonl", tmp_path / "claims.csv"
    arguments = ["--notebooks", str(tmp_path), "--keep", str(keep), "--table", str(table), "--jobs", "2"]
    assert command.main([*arguments, "--shift", "5", "6", "7"]) == 1
    printed = capsys.readouterr().out
    assert re.search(r"^✗ 00_tiny, seeds \+5: the run was cut short \(DeadKernelError: ", printed, re.MULTILINE)
    assert [(row["claim"], row["shifts_held"], row["shifts"]) for row in csv.DictReader(table.open(encoding="utf-8"))] == [
        ("the seed is small", "2", "2"),
        ("one is one", "2", "2"),
    ]
    assert {each.run.name for each in Kept(keep, [tmp_path / "00_tiny.ipynb"]).outcomes} == {"seeds +6", "seeds +7"}


def test_kept_outcomes_are_read_as_they_were_written(folder, tmp_path):
    path, file = folder / "00_tiny.ipynb", tmp_path / "kept.jsonl"
    claims = {Place(path.stem, 4, 1): Judged("a", False, "b")}
    written = Outcome(path.stem, Run(3, "avx2", 1), claims, ("cell 2 raised X",), 2.0)
    Kept(file, [path]).add(written)
    assert Kept(file, [path]).outcomes == [written]
