"""The table reader returns the cells that were written, however a spreadsheet wrote them."""

from __future__ import annotations

import csv
import io

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_utils.datasets.folders import FolderError
from mtl_utils.datasets.folders.kinds import read_column
from mtl_utils.datasets.folders.table import read_table
from mtl_utils.tasks import classification, pixel_classification, regression

# Any text, line breaks, quotes and separators in it; "\r" alone is a line break that csv does not write back as such.
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=12)
NAME = st.text(st.characters(codec="utf-8", categories=("L", "N"), max_codepoint=0x9FFF), min_size=1, max_size=6)


@st.composite
def tables(draw):
    names = draw(st.lists(NAME, min_size=2, max_size=5, unique=True))
    rows = draw(st.lists(st.lists(TEXT, min_size=len(names), max_size=len(names)), max_size=6))
    return names, [row for row in rows if any(cell.strip() for cell in row)]


@settings(max_examples=200, deadline=None)
@given(
    table=tables(),
    separator=st.sampled_from(",;\t|"),
    mark=st.booleans(),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    ending=st.sampled_from(["\n", "\r\n"]),
)
def test_what_was_written_is_read(tmp_path_factory, table, separator, mark, quoting, ending):
    names, rows = table
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=separator, quoting=quoting, lineterminator=ending).writerows([names, *rows])
    path = tmp_path_factory.mktemp("table") / "labels.csv"
    path.write_bytes(stream.getvalue().encode("utf-8-sig" if mark else "utf-8"))
    read = read_table(path)
    assert read.separator == separator
    assert list(read.columns) == names
    assert [list(cells) for cells in zip(*read.columns.values(), strict=True)] == rows
    lines = stream.getvalue().split("\n")
    assert read.lines == sorted(set(read.lines))
    for row, line in zip(rows, read.lines, strict=True):  # each row begins in the line that is named
        rest = io.StringIO("\n".join(lines[line - 1 :]), newline="")
        assert next(csv.reader(rest, delimiter=separator)) == row


@settings(max_examples=100, deadline=None)
@given(cells=st.lists(st.one_of(st.just(""), st.floats(-1e6, 1e6, width=32)), min_size=1, max_size=30))
def test_numbers_keep_their_values_and_gaps(cells):
    texts = [cell if cell == "" else repr(cell) for cell in cells]
    where = [f"line {number}" for number in range(len(texts))]
    if all(cell == "" for cell in cells):
        with pytest.raises(FolderError, match="no label at all"):
            read_column("x", texts, where, "regression")
        return
    task, target = read_column("x", texts, where, "regression")
    expected = torch.tensor([[float("nan") if cell == "" else cell] for cell in cells])
    assert torch.equal(target.nan_to_num(7e7), expected.nan_to_num(7e7))
    task.check_targets(target, count=len(cells), image_size=(1, 1))


@settings(max_examples=100, deadline=None)
@given(cells=st.lists(st.sampled_from(["", "猫", "dog", "a b", "é"]), min_size=2, max_size=30))
def test_classes_keep_their_names_and_gaps(cells):
    names = sorted({cell for cell in cells if cell})
    where = [f"line {number}" for number in range(len(cells))]
    if len(names) < 2:
        with pytest.raises(FolderError, match="one class only" if names else "no label at all"):
            read_column("x", cells, where, "classification")
        return
    task, target = read_column("x", cells, where, "classification")
    assert task.class_names == tuple(names)
    assert [task.class_names[number] if number >= 0 else "" for number in target.tolist()] == cells


def column(*cells, kind=None, **arguments):
    return read_column("x", cells, [f"line {number + 2}" for number in range(len(cells))], kind, **arguments)


def test_what_is_inferred():
    assert column("cat", "dog", "cat", "")[0] == classification("x", ["cat", "dog"])
    assert column("0", "1", "1", "0", "2", "2")[0] == classification("x", ["0", "1", "2"])
    assert column("10", "9", "10", "9")[0].class_names == ("9", "10")  # by value, not by the alphabet
    assert column("0.5", "1.5", "0.5", "1.5")[0] == regression("x")
    assert column("1", "2", "3", "4", "5")[0] == regression("x")
    assert column(*map(str, range(25)), *map(str, range(25)))[0] == regression("x")
    assert column("1.0", "2.0", "1", "2")[0] == classification("x", ["1", "2"])


def test_decimal_commas_are_numbers_only_where_semicolons_separate():
    assert column("1,5", "2,5", "3,5", comma=True)[1].flatten().tolist() == [1.5, 2.5, 3.5]
    assert column("1,5", "2,5", "1,5", "2,5")[0].class_names == ("1,5", "2,5")


def test_what_is_stated_wins():
    assert column("1", "2", "3", kind="classification")[0].class_names == ("1", "2", "3")
    task, target = column("dog", "", "cat", kind=["dog", "cat", "cow"])
    assert (task.class_names, target.tolist()) == (("dog", "cat", "cow"), [0, -100, 1])
    given_task = classification("animal", ["cat", "dog"])
    assert column("dog", kind=given_task)[0] is given_task
    assert column("1", "0", kind=classification("x", 2))[1].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("cells", "kind", "words"),
    [
        (("1.5", "2.5", "n/a", "3.5"), None, "leave a cell empty where a label is missing"),
        (("1.5", "2.5", "2,5", "3.5"), None, "line 4: '2,5'"),
        (("1", "2", "nan", "inf", "3"), None, "neither classes nor numbers"),
        (tuple(f"a long remark, number {n}" for n in range(30)), None, "30 different texts in 30 cells"),
        (("", " ", ""), None, "no label at all"),
        (("cat", "cat"), None, "one class only, 'cat'"),
        (("cat", "cow"), ["cat", "dog"], "line 3: 'cow'"),
        (("1", "two", "1e999"), "regression", "line 4: '1e999'"),
        (("1", "2"), "text", "must be one of classification, regression"),
        (("1", "2"), pixel_classification("x", 2), "one answer per image"),
        (("1", "2"), regression("x", 2), "one answer per image"),
    ],
)
def test_columns_that_do_not_fit_are_told_with_their_lines(cells, kind, words):
    with pytest.raises(FolderError, match="column 'x'") as told:
        column(*cells, kind=kind)
    assert words in str(told.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf\n\n", "is empty"),
        (b"file,label\na.png,1\nb.png\nc.png,2,3\n", "line 3: 1 cells, but there are 2 columns"),
        (b"file,label\na.png,1\nb.png\nc.png,2,3\n", "line 4: 3 cells"),
        (b"file,label,label\n", "names column 'label' twice"),
        (b"file,,label\na,b,c\n", "column 2 has no name"),
        (b'file,label\n"a.png,1\nb.png,2\n', "quotation mark that is not closed"),
        (b"file,label\na.png,\xe9t\xe9\n", "line 2: not utf-8"),
        (b"file,label\na.png,1\0\n", "zero bytes"),
    ],
)
def test_broken_tables_are_told(tmp_path, content, words):
    (tmp_path / "labels.csv").write_bytes(content)
    with pytest.raises(FolderError, match=r"labels\.csv") as told:
        read_table(tmp_path / "labels.csv")
    assert words in str(told.value)


def test_tables_from_spreadsheets(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_bytes("file,名\na.png,猫\n".encode("utf-16"))
    assert read_table(path).columns == {"file": ["a.png"], "名": ["猫"]}
    path.write_bytes("file,名\na.png,猫\n".encode("gb18030"))
    assert read_table(path, encoding="gb18030").columns["名"] == ["猫"]
    path.write_bytes(b"file,label,\na.png,1,\n,,\nb.png,2,\n")  # an empty column and an empty line at the end
    assert read_table(path).columns == {"file": ["a.png", "b.png"], "label": ["1", "2"]}
    path.write_bytes(b'file,label\n"a.png","two\nlines"\nb.png,x\n')
    assert read_table(path).columns["label"] == ["two\nlines", "x"]
    assert read_table(path).lines == [2, 4]


def test_missing_tables_encodings_and_columns(tmp_path):
    with pytest.raises(FolderError, match="there is no table"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(FolderError, match="cannot be read"):
        read_table(tmp_path)
    (tmp_path / "a.csv").write_text("file,label\na,b\n")
    with pytest.raises(FolderError, match="no encoding called 'utf-99'"):
        read_table(tmp_path / "a.csv", encoding="utf-99")
    with pytest.raises(FolderError, match="no column 'tag'; its columns are file, label"):
        read_table(tmp_path / "a.csv").column("tag")
