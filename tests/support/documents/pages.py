"""The examples of the documents: their code blocks, the commands typed in them, and the output that they promise."""

import re
import textwrap
from dataclasses import dataclass
from typing import Final

from tests.support.processes import ROOT

TYPED: Final = (
    "README.md",
    "docs/tour.md",
    "docs/how-to/write-a-client.md",
    "docs/how-to/README.md",
    "docs/how-to/import-invoices.md",
    "docs/how-to/read-in-books.md",
    "docs/how-to/explain-a-late-fee.md",
    "docs/how-to/answer-an-auditor.md",
    "docs/how-to/record-by-hand.md",
    "docs/how-to/groups.md",
    "docs/how-to/operate-consumers.md",
    "docs/how-to/verify-and-restore.md",
    "docs/how-to/operate-a-cluster.md",
    "docs/settings.md",
    "docs/how-to/run-in-production.md",
    "docs/how-to/upgrade.md",
    "docs/how-to/monitor.md",
    "docs/how-to/back-up-and-restore.md",
    "docs/how-to/move-a-ledger.md",
    "docs/how-to/seal-days.md",
    "docs/how-to/export-events.md",
    "docs/how-to/follow-with-jetstream.md",
)
"""Pages whose console blocks tests/acceptance types, and whose promised output it compares with the real one."""

CALLED: Final = ("docs/how-to/send-webhooks.md",)
"""Pages whose calls of the API tests/integration/api/commands/test_webhooks.py makes, without a server."""

BUILT: Final[tuple[str, ...]] = (
    "docs/how-to/add-an-event-type.md",
    "docs/how-to/add-a-process-manager.md",
    "docs/how-to/add-a-projector.md",
    "docs/how-to/add-a-schema-version.md",
)
"""Pages whose code a test adds to a copy of the project, and whose console blocks it types there."""

ALONE: Final = ("docs/how-to/your-own-events.md",)
"""Pages whose project a test makes, with the event store installed and nothing else of Daybook."""

RECORDED: Final = ("docs/reliability.md",)
"""Pages that are written by the commands which they show: `make prove`."""

PROVED: Final = ("docs/how-to/prove-your-own-handler.md",)
"""The pages whose Python is run by tests/crash/test_crash_points.py."""
UNRUN: Final = {
    (
        "README.md",
        "make demo    # sets everything up and plays a small portfolio through every part, on SQLite, in seconds",
    ): ("`make demo` is typed further down, and `make test` is what runs this"),
    ("docs/performance.md", "make bench                                # everything, on PostgreSQL servers"): (
        "measures for many minutes"
    ),
    ("docs/how-to/run-in-production.md", "$ cp deploy/daybook.env.example deploy/daybook.env"): "needs Docker",
    ("docs/how-to/run-in-production.md", "# useradd --system --home-dir /var/lib/daybook daybook"): (
        "needs a machine of its own, with systemd"
    ),
    ("docs/how-to/run-in-production.md", "location / {"): "needs nginx",
    ("docs/how-to/run-in-production.md", "[pgbouncer]"): "needs PgBouncer",
    ("docs/how-to/run-in-production.md", "ALTER ROLE daybook_app SET"): "needs a role of that name",
    ("docs/how-to/run-in-production.md", "# createdb --username=postgres daybook"): (
        "needs a server of its own; the tests on PostgreSQL begin with this script"
    ),
    ("docs/how-to/run-in-production.md", "CREATE ROLE anna"): "would make a role of the server that the tests share",
    ("docs/how-to/run-a-cluster.md", "# apt-get install"): "installs packages; `make cluster-test` does the rest of it",
    ("docs/how-to/run-a-cluster.md", "# install -D -m 600"): "needs three machines, with systemd",
    ("docs/how-to/run-a-cluster.md", "# install -D -m 644"): "needs a machine of its own, with systemd",
    ("docs/how-to/run-a-cluster.md", "# systemctl enable"): "needs three machines, with systemd",
    ("docs/how-to/run-a-cluster.md", "# export PGHOST"): "needs the cluster; `make cluster-test` does it",
    ("docs/how-to/run-a-cluster.md", "$ curl -s http://10.0.0.1"): "needs the cluster",
    ("docs/how-to/operate-a-cluster.md", "$ patronictl list"): "needs the cluster",
    ("docs/how-to/operate-a-cluster.md", "$ patronictl switchover"): "needs the cluster; `make cluster-test` does it",
    ("docs/how-to/operate-a-cluster.md", "$ patronictl failover"): "needs the cluster; `make cluster-test` does it",
    ("docs/how-to/operate-a-cluster.md", "$ etcdctl"): "needs the cluster; `make cluster-test` does it",
    ("docs/how-to/operate-a-cluster.md", "# systemctl enable"): "needs the cluster; `make cluster-test` types it",
    ("docs/how-to/operate-a-cluster.md", "$ patronictl edit-config"): "needs the cluster; `make cluster-test` types it",
    ("docs/how-to/operate-a-cluster.md", "$ cd /var/lib"): "needs the cluster; `make cluster-test` types it",
    ("docs/how-to/operate-a-cluster.md", "late_fees had handled"): "what a process writes: tests/cluster looks for it",
    ("docs/how-to/export-events.md", "$ .venv/bin/python -m pip install"): "the tests have installed it",
    ("docs/how-to/upgrade.md", "# systemctl restart daybook.target"): "needs a machine of its own, with systemd",
    ("docs/how-to/upgrade.md", "$ docker compose up --detach --build"): "needs Docker",
    ("docs/how-to/back-up-and-restore.md", "$ pg_basebackup "): "copies a whole server, which the tests share",
    ("docs/how-to/monitor.md", "scrape_configs:"): "needs Prometheus",
    ("docs/how-to/monitor.md", "groups:"): "needs Prometheus; its metrics are compared with /metrics",
}
"""Blocks that no test can run: the page and the beginning of the first line, with the reason."""

_FENCED: Final = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page: its language, its text without indentation, and its first line."""

    page: str
    language: str
    text: str
    line: int

    @property
    def excuse(self) -> tuple[str, str] | None:
        """The key of its entry in UNRUN, or None."""
        return next((key for key in UNRUN if key[0] == self.page and self.text.startswith(key[1])), None)

    @property
    def vendors(self) -> set[str]:
        """The database vendors on which the block can be typed."""
        if re.search(r"postgres://|pg_", self.text):
            return {"postgresql"}
        return {"sqlite"} if "$ sqlite3" in self.text else {"postgresql", "sqlite"}


@dataclass(frozen=True, slots=True)
class Step:
    """A command with all its lines, and the output that the page promises."""

    command: str
    promised: str
    at: str


def documents() -> list[str]:
    """Return the path of every page of the project."""
    return [str(path.relative_to(ROOT)) for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])]


def text(page: str) -> str:
    """Return the text of a page."""
    return (ROOT / page).read_text()


def blocks(page: str) -> list[Block]:
    """Return the fenced blocks of a page."""
    whole = text(page)
    return [
        Block(page, found[2], textwrap.dedent(found[3]), whole.count("\n", 0, found.start()) + 2)
        for found in _FENCED.finditer(whole)
    ]


def without_blocks(page: str) -> str:
    """Return the text of a page without its fenced blocks."""
    return _FENCED.sub("", text(page))


def steps(page: str, vendor: str = "sqlite") -> list[Step]:
    """Return the commands of a page, in order, for one database vendor."""
    return [
        step
        for block in blocks(page)
        if block.language == "console" and block.excuse is None and vendor in block.vendors
        for step in typed(block)
    ]


def typed(block: Block) -> list[Step]:
    """Return the commands of a console block; a command goes on after a backslash and up to END of a here-document."""
    found: list[Step] = []
    within = False
    for number, line in enumerate(block.text.splitlines(keepends=True), block.line):
        if line.startswith("$ "):
            found.append(Step(line[2:], "", f"{block.page}:{number}"))
            within = "<<'END'" in line
            continue
        last = found.pop()
        if within or (last.command.endswith("\\\n") and not last.promised):
            found.append(Step(last.command + line, "", last.at))
            within = line.rstrip() != "END" if within else "<<'END'" in line
        else:
            found.append(Step(last.command, last.promised + line, last.at))
    return found


_MEASURED: Final = (
    (re.compile(r"\bin [0-9.]+ s\b"), "in a moment"),
    (re.compile(r"\d+\s+\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+00:00"), "measured"),
)


_PROGRESS: Final = re.compile(r"[^:]+: [\d,]+ (of [\d,]+ .*, [\d,]+/s(, [\d,]+ s left)?|[a-z ]+ in [0-9.]+ s)")
"""A line that says how far a command is, or how long it took. A fast machine prints fewer of them."""


_LOGGED: Final = re.compile(r'\{"event": .*"timestamp": .*\}|\d{4}-\d\d-\d\dT[\d:.]+Z \[.*')
"""A line of the log, which is written to standard error too. A page is about what the command answers."""


def compared_lines(output: str) -> list[str]:
    """Return the lines that must be equal: without progress and log, without what is measured, without alignment."""
    lines = []
    for printed in output.splitlines():
        if _PROGRESS.fullmatch(printed) or _LOGGED.fullmatch(printed):
            continue
        line = printed
        for pattern, instead in _MEASURED:
            line = pattern.sub(instead, line)
        lines.append(" ".join(line.split()))
    return lines


def differences(promised: str, output: str) -> list[str]:
    """Return the promised lines that were not printed, and the printed lines that were not promised.

    A line … stands for any lines, and … within a line for any text. The order of the lines is not compared, because
    standard output and standard error may mix in any order.
    """
    wanted, seen = compared_lines(promised), compared_lines(output)
    missing = []
    for line in sorted(wanted, key=lambda line: "…" in line):
        pattern = re.compile(".*".join(map(re.escape, line.split("…"))))
        found = next((printed for printed in seen if pattern.fullmatch(printed)), None)
        if line == "…":
            continue
        if found is None:
            missing.append(f"- {line}")
        else:
            seen.remove(found)
    return missing + [f"+ {line}" for line in seen if missing or "…" not in wanted]
