"""Runs import_receivables on rows, as the tests of the import do."""

import re
from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from eventstore import store
from tests.support.ledger.invoices import Row, content

FIRST, SECOND, THIRD = (date(2024, 3, day) for day in (1, 2, 3))
ROWS = (
    Row("C-1", "1", FIRST, date(2024, 3, 11), "100.00", SECOND),
    Row("C-1", "2", FIRST, date(2024, 3, 11), "50.5", None),
    Row("C-2", "3", SECOND, date(2024, 3, 12), "70.00", SECOND),
)


class Importer:
    """Runs the command on rows and keeps its output."""

    def __init__(self, path: Path) -> None:
        self.path, self.errors, self.report = path, "", ""

    def __call__(self, *rows: Row, **options: object) -> None:
        self.path.write_text(content(list(rows)))
        self.run(**options)

    def run(self, **options: object) -> None:
        """Import the file as it is."""
        out, errors = StringIO(), StringIO()
        try:
            call_command("import_receivables", str(self.path), stdout=out, stderr=errors, **options)
        finally:
            self.report, self.errors = out.getvalue(), errors.getvalue()

    def faults(self, *rows: Row, **options: object) -> list[str]:
        """Run the command, check that it refuses and records nothing, and return the faults that it reports."""
        before = store.head()
        with pytest.raises(CommandError):
            self(*rows, **options)
        assert store.head() == before
        return self.lines()

    def lines(self) -> list[str]:
        """Return the lines on standard error, without the name of the file and the list of columns."""
        lines = [
            re.sub(rf"^({re.escape(str(self.path))}|{self.path.name}): ", "", line) for line in self.errors.splitlines()
        ]
        return [line for line in lines if not line.startswith("columns that are not imported")]
