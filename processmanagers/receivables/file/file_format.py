"""How a file of invoices is written: its encoding, delimiter, decimal sign, date format and names of columns."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

NEEDED: Final = ("customerID", "invoiceNumber", "InvoiceDate", "DueDate", "InvoiceAmount", "SettledDate")
"""The columns that a file must have."""
OPTIONAL: Final = ("DaysLate", "DaysToSettle", "PaidAmount", "Currency", "Seller", "LateFeeRate")
"""The columns that are read if the file has them."""
COLUMNS: Final = MappingProxyType({name.lower(): name for name in (*NEEDED, *OPTIONAL)})
"""Every known column, by its name in lower case."""
DELIMITERS: Final = MappingProxyType({",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"})
"""The delimiters that are recognised, with their names."""
DEFAULT_DATE_FORMAT: Final = "%d/%m/%Y"


@dataclass(frozen=True, slots=True)
class FileFormat:
    """What the options say about the file. An encoding or delimiter of None is recognised from the file.

    `columns` maps the file's names of columns, in lower case, to ours; an empty name is not imported.
    """

    encoding: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    date_format: str = DEFAULT_DATE_FORMAT
    columns: Mapping[str, str] = field(default_factory=dict)

    def names(self, header: Sequence[str]) -> list[str]:
        """Return our names of a header's columns, in lower case; a column that is not imported has none."""
        theirs = [name.strip().lower() for name in header]
        return [self.columns.get(name, name).lower() for name in theirs]

    def recognise_delimiter(self, first_line: str) -> str:
        """Return the delimiter that the option names, or the one that finds most of the known columns."""
        if self.delimiter is not None:
            return self.delimiter
        return max(DELIMITERS, key=lambda delimiter: self._known(first_line, delimiter))

    def _known(self, first_line: str, delimiter: str) -> int:
        header = next(csv.reader([first_line], delimiter=delimiter), [])
        return sum(name in COLUMNS for name in self.names(header))
