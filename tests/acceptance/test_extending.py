"""The pages about adding an event type, a projector, a process manager and a schema version work as they say.

A test adds the pages' code to a copy of the project, in the order of the pages. What a page only describes (a union, an
import, a figure) is done here. Then the test types the pages' commands.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent
from typing import Final

import pytest

from tests.architecture.sources import APPLICATION
from tests.support.documents import pages
from tests.support.documents.terminal import compare, outputs, resident
from tests.support.processes import ROOT

COPIED: Final = (*APPLICATION, "tests", "docs", "deploy")
COMPANY: Final = "ledger/rules/aggregates/company.py"


class Project:
    """A copy of the project that gets new code."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in COPIED:
            shutil.copytree(ROOT / name, folder / name)
        for name in ("manage.py", "pyproject.toml"):
            shutil.copy(ROOT / name, folder / name)

    def write(self, file: str, code: str) -> None:
        """Create a module."""
        assert not (self.folder / file).exists()
        (self.folder / file).write_text(code)

    def replace(self, file: str, old: str, new: str) -> None:
        """Replace a text that the file contains once."""
        text = (self.folder / file).read_text()
        assert text.count(old) == 1, (file, old)
        (self.folder / file).write_text(text.replace(old, new))

    def put(self, code: str, file: str, before: str) -> None:
        """Insert code before a line, with the indentation of that line."""
        depth = before[: len(before) - len(before.lstrip(" "))]
        apart = "" if depth else "\n\n"
        self.replace(file, before, indent(code, depth) + apart + before)

    def append(self, code: str, file: str) -> None:
        """Add code at the end."""
        (self.folder / file).write_text(f"{(self.folder / file).read_text()}\n\n{code}")


def item(code: str) -> str:
    """Return an expression as an item of a list."""
    return f"{code.rstrip()},\n"


def add_an_event_type(project: Project, code: Iterator[str]) -> None:
    """Add CompanyRated."""
    project.put(next(code), "ledger/rules/events.py", "# company and asset\n")
    project.replace("ledger/rules/events.py", "CompanyEvent = ", "CompanyEvent = CompanyRated | ")
    project.put(next(code), COMPANY, "        case _:\n            assert_never(event)")
    project.replace(COMPANY, "    CompanyFunded,\n", "    CompanyFunded,\n    CompanyRated,\n")
    balance = "    balance: Decimal = Decimal(0)\n"
    project.replace(COMPANY, balance, f"{balance}    rating: str | None = None\n")
    project.put(next(code), "ledger/rules/commands.py", "# asset\n")
    project.replace("ledger/rules/commands.py", "CompanyCommand = ", "CompanyCommand = RateCompany | ")
    project.put(next(code), COMPANY, "        case _:\n            assert_never(command)")
    project.append(next(code), COMPANY)
    project.replace(COMPANY, "FundCompany, Reg", "FundCompany, RateCompany, Reg")
    project.replace("ledger/rules/decide.py", "case RegisterCompany()", "case RateCompany() | RegisterCompany()")
    project.replace("ledger/rules/decide.py", "    PayOutFunds,\n", "    PayOutFunds,\n    RateCompany,\n")
    project.put(
        item(next(code)), "tests/unit/projectors/test_journal.py", '    ("company", e.CompanyRegistered("one")),\n'
    )
    project.put(next(code), "projectors/explain/words.py", "        case e.SystemCycled():")
    project.append(next(code), "tests/unit/ledger/rules/aggregates/test_company.py")
    project.replace(
        "tests/unit/ledger/rules/aggregates/test_company.py", "import FundCompany,", "import FundCompany, RateCompany,"
    )
    project.replace(
        "tests/unit/ledger/rules/aggregates/test_company.py",
        "import CompanyFunded,",
        "import CompanyFunded, CompanyRated,",
    )
    project.replace("tests/unit/ledger/rules/test_refusals.py", "== 27", "== 28")
    project.put(item(next(code)), "tests/support/api/story.py", '    Command("delete-deal", {"deal_uuid": DEAL}),\n')


def add_a_projector(project: Project, code: Iterator[str]) -> None:
    """Add a projector that keeps the latest rating of each company."""
    project.append(next(code), "projectors/schema/directory.py")
    project.replace(
        "projectors/models.py",
        "import Company, Deal, DealCompany\n",
        "import Company, CompanyRating, Deal, DealCompany\n",
    )
    project.replace("projectors/models.py", '    "Company",\n', '    "Company",\n    "CompanyRating",\n')
    project.write("projectors/ratings.py", next(code))
    project.replace("projectors/catalog.py", "    DailyActivities(),\n", "    DailyActivities(),\n    Ratings(),\n")
    project.replace(
        "projectors/catalog.py",
        "import Projector\n",
        "import Projector\nfrom projectors.ratings import Ratings\n",
    )
    rows = "projectors/verification/rows.py"
    project.put(next(code), rows, "_OWED_ACCOUNTS: Final")
    project.put(item(next(code)), rows, '    Comparison("deal", ')
    project.replace(rows, "import Balance, Company, ", "import Balance, Company, CompanyRating, ")


def add_a_process_manager(project: Project, code: Iterator[str]) -> None:
    """Add a process manager that puts a badly rated company on watch."""
    project.put(next(code), "ledger/rules/events.py", "# company and asset\n")
    project.replace("ledger/rules/events.py", "CompanyEvent = ", "CompanyEvent = CompanyPutOnWatch | ")
    project.put(next(code), COMPANY, "        case _:\n            assert_never(event)")
    project.replace(COMPANY, "    CompanyFunded,\n", "    CompanyFunded,\n    CompanyPutOnWatch,\n")
    project.write("processmanagers/watch.py", next(code))
    register = "        register(LateFees())\n"
    imported = "        from processmanagers.watch import Watch  # noqa: PLC0415 - as the others\n\n"
    project.replace("processmanagers/apps.py", register, f"{imported}{register}        register(Watch())\n")


def add_a_schema_version(project: Project, code: Iterator[str]) -> None:
    """Add the agency of a rating."""
    [event, *_] = [block.text for block in pages.blocks(page_of("add-an-event-type")) if block.language == "python"]
    project.replace("ledger/rules/events.py", event, next(code))
    before = 'return CompanyRated(texts.text("rating", command.rating))\n'
    project.replace(COMPANY, before, next(code))
    project.write("ledger/upcasters.py", next(code))
    registering = (project.folder / "ledger/apps.py").read_text()
    ready = registering[registering.index("        from eventstore.payloads.registry") :]
    project.replace("ledger/apps.py", ready, indent(next(code), "        "))
    command = '    """Rate how well a company pays."""\n\n    company_uuid: UUID\n    rating: str\n'
    project.replace("ledger/rules/commands.py", command, f"{command}    agency: str\n")


ADD: Final = {
    "add-an-event-type": add_an_event_type,
    "add-a-projector": add_a_projector,
    "add-a-process-manager": add_a_process_manager,
    "add-a-schema-version": add_a_schema_version,
}


def page_of(name: str) -> str:
    """Return the path of a how-to."""
    return f"docs/how-to/{name}.md"


@pytest.mark.skipif(os.environ.get("DAYBOOK_TEST_VENDOR") != "sqlite", reason="has a copy of the project of its own")
def test_the_code_of_the_pages_works_as_they_say(tmp_path: Path) -> None:
    assert sorted(map(page_of, ADD)) == sorted(pages.BUILT)
    project = Project(tmp_path)
    here = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHON", "DAYBOOK"))}
    environment = {
        **here,
        "DEBUG": "true",
        "DATABASE_URL": f"sqlite:///{tmp_path}/ratings.sqlite3",
    }
    for name, add in ADD.items():
        code = iter([block.text for block in pages.blocks(page_of(name)) if block.language == "python"])
        add(project, code)
        assert list(code) == []
        steps = pages.steps(page_of(name))
        typed = [step.command for step in steps]
        with resident(environment, tmp_path) as manage:
            typed[0] = f"{manage}\n{typed[0]}"
            seen = outputs(typed, tmp_path, environment, tmp_path)
        compare(steps, seen)
