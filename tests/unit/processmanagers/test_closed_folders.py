"""A file in a folder that this user may not search is refused in one line, which names it."""

import errno
from pathlib import Path
from unittest.mock import Mock

import pytest
from django.core.management import CommandError

from eventstore.errors import CannotExport
from eventstore.moving.files import written
from processmanagers.management.commands import demo, import_receivables

FILE = Path("/closed/file")


@pytest.fixture(autouse=True)
def _closed(monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = PermissionError(errno.EACCES, "Permission denied")
    monkeypatch.setattr(Path, "stat", Mock(side_effect=refusal))  # root may search every folder


def test_an_export_is_refused() -> None:
    with pytest.raises(CannotExport, match=f"^{FILE} cannot be written: "), written(str(FILE), compressed=False):
        pass


def test_a_demonstration_is_refused() -> None:
    with pytest.raises(CommandError, match=f"^--database {FILE}: "):
        demo._make_room(FILE)


def test_a_file_of_faults_is_refused() -> None:
    with pytest.raises(CommandError, match=f"^--faults {FILE}: "):
        import_receivables.Command()._report_faults(Path("invoices.csv"), (), FILE)
