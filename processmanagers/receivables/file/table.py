"""A file of invoices as a table: decoded, split into rows, each with its line and its text."""

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from processmanagers.receivables.file.faults import Fault, FaultyFile
from processmanagers.receivables.file.file_format import COLUMNS, DELIMITERS, NEEDED, FileFormat

_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Row:
    """A row that is not blank: the line at which it begins, its cells, and its text with the line end."""

    line: int
    cells: list[str]
    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """The header with our names of its columns, the rows, and what was recognised."""

    header: Row
    names: list[str]
    rows: list[Row]
    encoding: str
    recognised: list[str] = field(default_factory=list)

    @property
    def unknown(self) -> list[str]:
        """The names of the columns that nothing reads, apart from those that --map leaves out."""
        pairs = zip(self.header.cells, self.names, strict=True)
        return [header.strip() for header, name in pairs if name and name not in COLUMNS]

    def selection(self, lines: set[int]) -> bytes:
        """Return a file with the header and the rows that begin at these lines, as the file has them."""
        end = "\r\n" if self.header.text.endswith("\r\n") else "\n"
        texts = (row.text for row in (self.header, *self.rows) if row is self.header or row.line in lines)
        return "".join(text if text.endswith(("\n", "\r")) else text + end for text in texts).encode(self.encoding)


def read_table(content: bytes, file_format: FileFormat) -> Table:
    """Return the table of a file; raises FaultyFile if there is none."""
    recognised: list[str] = []
    text, encoding = _decode(content, file_format, recognised)
    lines = list(io.StringIO(text, newline=""))
    first = next((line for line in lines if line.strip()), "")
    delimiter = file_format.recognise_delimiter(first)
    if file_format.delimiter is None and delimiter != ",":
        recognised.append(f"the delimiter is recognised: {DELIMITERS[delimiter]}")
    rows = list(_rows(lines, delimiter))
    if not rows:
        raise FaultyFile([Fault(1, "", "the file is empty")])
    header = rows[0]
    names = file_format.names(header.cells)
    _check_header(header, names, file_format)
    return Table(header, names, rows[1:], encoding, recognised)


def _decode(content: bytes, file_format: FileFormat, recognised: list[str]) -> tuple[str, str]:
    """Return the text of the file without a byte order mark, and the encoding to write it with."""
    encoding = file_format.encoding
    if encoding is None and content.startswith(_UTF16):
        encoding = "utf-16"
        recognised.append("the encoding is recognised: UTF-16")
    if encoding is None or codecs.lookup(encoding).name in {"utf-8", "utf-8-sig"}:
        marked = content.startswith(codecs.BOM_UTF8)
        text = _decoded(content.removeprefix(codecs.BOM_UTF8), "utf-8", hint=encoding is None)
        encoding = "utf-8-sig" if marked else "utf-8"
    else:
        text = _decoded(content, encoding, hint=False).removeprefix("\ufeff")
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        remedy = "--encoding utf-16-le or utf-16-be reads UTF-16 without a byte order mark"
        raise FaultyFile([Fault(line, "", "the file contains NUL characters", remedy)])
    return text, encoding


def _decoded(content: bytes, encoding: str, *, hint: bool) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        before = content[: error.start].decode(encoding, "replace")
        in_line = error.start - len(before[: before.rfind("\n") + 1].encode(encoding, "replace")) + 1
        name = "UTF-8" if encoding == "utf-8" else encoding
        text = f"not {name}: byte {in_line} of the line is 0x{content[error.start]:02x}"
        remedy = "--encoding cp1252 reads what Windows programs write in Western Europe" if hint else ""
        raise FaultyFile([Fault(before.count("\n") + 1, "", text, remedy)]) from error


def _rows(lines: list[str], delimiter: str) -> Iterator[Row]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    first = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield Row(first, cells, "".join(lines[first - 1 : reader.line_num]))
            first = reader.line_num + 1
    except csv.Error as error:
        raise FaultyFile([Fault(first, "", f"not CSV: {error}")]) from error


def _check_header(header: Row, names: list[str], file_format: FileFormat) -> None:
    line = header.line
    theirs = {name.strip().lower() for name in header.cells}
    faults = [
        Fault(line, name, "the column is missing", f'--map "THEIRS={name}" names another column for it')
        for name in NEEDED
        if name.lower() not in names
    ]
    faults += [Fault(line, COLUMNS[key], "the column appears twice") for key in COLUMNS if names.count(key) > 1]
    faults += [
        Fault(line, name, "--map names this column, and the file has no such column")
        for name in file_format.columns
        if name not in theirs
    ]
    if faults:
        raise FaultyFile(faults)
