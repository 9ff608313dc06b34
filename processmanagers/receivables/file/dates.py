"""Dates in a file: read by one format, and the formats that would read them if that one does not."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Final

LIKELY_FORMATS: Final = (
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%Y-%m-%d",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%Y/%m/%d",
    "%Y%m%d",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d.%m.%y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%b %d, %Y",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
)
"""The formats that a remedy may name."""
_EXAMPLE: Final = date(2024, 12, 31)


def read_date(text: str, date_format: str) -> date | None:
    """Return the date that a text of the format is, or None."""
    try:
        return datetime.strptime(text, date_format).date()  # noqa: DTZ007 - a date has no time zone
    except ValueError:
        return None


class DateCells:
    """Reads the dates of a file by one format, and keeps what it could not read."""

    def __init__(self, date_format: str) -> None:
        self.date_format = date_format
        self._dates: dict[str, date | None] = {}

    def read(self, text: str) -> date | None:
        """Return the date of a cell, or None if it does not have the format."""
        if text not in self._dates:
            self._dates[text] = read_date(text, self.date_format)
        return self._dates[text]

    def remedy(self) -> str:
        """Return a hint if dates could not be read: a --date-format that reads all, or an example if none was read."""
        texts = [text for text in self._dates if text]
        if all(self._dates[text] for text in texts):
            return ""
        if formats := _reading_all(texts):
            return f"--date-format {' or '.join(formats)} reads all dates of the file"
        if any(self._dates[text] for text in texts):
            return ""
        return f"--date-format {self.date_format} reads dates such as {_EXAMPLE.strftime(self.date_format)}"


def _reading_all(texts: Iterable[str]) -> list[str]:
    formats = list(LIKELY_FORMATS)
    for text in texts:
        formats = [candidate for candidate in formats if read_date(text, candidate)]
        if not formats:
            break
    return formats
