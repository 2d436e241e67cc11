"""Reads a CSV file as it comes from a spreadsheet: any separator, a byte-order mark, line breaks in quotes."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from mtl_utils.datasets.folders.problems import FolderError

_SEPARATORS = ",;\t|"


@dataclass(frozen=True)
class Table:
    """The cells of a CSV file, as text.

    Attributes:
        path: where it was read.
        columns: for each column its cells, from top to bottom.
        lines: for each row the line of the file in which it begins, as an editor counts.
        separator: between cells.
    """

    path: Path
    columns: dict[str, list[str]]
    lines: list[int]
    separator: str

    def __len__(self) -> int:
        return len(self.lines)

    def column(self, name: str, argument: str = "") -> list[str]:
        """The cells of a column; a `FolderError` if there is none, which names the argument that says another."""
        if name not in self.columns:
            hint = f" ({argument}= takes another name)" if argument else ""
            raise FolderError(f"{self.path} has no column '{name}'; its columns are {', '.join(self.columns)}{hint}")
        return self.columns[name]

    def where(self, row: int) -> str:
        """Where a row stands: `line 7`."""
        return f"line {self.lines[row]}"


def read_table(path: str | Path, *, encoding: str = "utf-8") -> Table:
    """All cells of a CSV file with a line of column names, nothing guessed and nothing left out but empty lines.

    Args:
        path: of the file. Cells are separated by comma, semicolon, tab or `|`: whatever splits the first line into most names.
        encoding: of its characters; a byte-order mark is understood.

    Raises:
        FolderError: if it cannot be read, names a column twice, or has lines with too few or too many cells (all are listed).
    """
    path = Path(path)
    text = _text_of(path, encoding)
    if not text.strip():
        raise FolderError(f"{path} is empty; it needs a line of column names, such as: file,label")
    if "\0" in text:
        raise FolderError(f"{path} holds zero bytes: it is no CSV file; save it as 'CSV UTF-8'")
    rows = _best_split(path, text)
    (_, header), body, separator = rows[0][0], rows[0][1:], rows[1]
    names = [name.strip() for name in header]
    while names and not names[-1] and all(len(cells) < len(names) or not cells[len(names) - 1].strip() for _, cells in body):
        names.pop()  # a spreadsheet's empty last column
    if "" in names:
        raise FolderError(f"{path}: column {names.index('') + 1} has no name in the first line: {separator.join(header)}")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise FolderError(f"{path}: the first line names column '{twice[0]}' twice")
    wrong = [
        f"line {line}: {len(cells)} cells, but there are {len(names)} columns: {separator.join(cells)[:80]!r}"
        for line, cells in body
        if len(cells) < len(names) or any(cell.strip() for cell in cells[len(names) :])
    ]
    if wrong:
        raise FolderError(f"{path} has lines that do not fit its first line (a cell with '{separator}' needs quotes)", wrong)
    columns = {name: [cells[number] for _, cells in body] for number, name in enumerate(names)}
    return Table(path, columns, [line for line, _ in body], separator)


def _text_of(path: Path, encoding: str) -> str:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise FolderError(f"there is no table {path}") from None
    except OSError as error:
        raise FolderError(f"the table {path} cannot be read ({error.strerror})") from error
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif raw.startswith(b"\xef\xbb\xbf"):
        encoding = "utf-8-sig"
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise FolderError(
            f"{path}, line {line}: not {encoding}; save the table as 'CSV UTF-8', or name its encoding, such as "
            "encoding='cp1252' (Excel in western Europe) or 'gb18030' (Excel in China)"
        ) from error
    except LookupError:
        raise FolderError(f"there is no encoding called {encoding!r}; 'utf-8', 'cp1252' and 'gb18030' are some") from None


def _best_split(path: Path, text: str) -> tuple[list[tuple[int, list[str]]], str]:
    """Rows with the lines that they begin in, and the separator that splits the first row into most cells."""
    widths = {}
    for separator in _SEPARATORS:
        first = next((cells for cells in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if any(cells)), [])
        widths[separator] = len(first)
    separator = max(_SEPARATORS, key=lambda each: widths[each])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows, line = [], 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            raise FolderError(f"{path}, line {line}: {error}; look for a quotation mark that is not closed") from error
        if any(cell.strip() for cell in cells):
            rows.append((line, cells))
        line = reader.line_num + 1
    return rows, separator
