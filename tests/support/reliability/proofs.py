"""The proofs: what each shows, and the tests that show it."""

from dataclasses import dataclass
from typing import Final

BOTH: Final = ("sqlite", "postgres")
POSTGRES: Final = ("postgres",)
SQLITE: Final = ("sqlite",)


@dataclass(frozen=True, slots=True)
class Proof:
    """A part of the page: its title, what is promised, the tests, and the databases on which they run."""

    title: str
    promise: str
    tests: str
    databases: tuple[str, ...] = BOTH
    is_apart: bool = False
    """Whether it needs more than PyPI, so that it runs only if it is named."""


_HISTORIES: Final = "tests/integration/ledger/test_histories.py"
_FAULTS: Final = "tests/crash/faults"

PROOFS: Final = (
    Proof(
        "Many clients at once",
        "Each answer, refusals included, is right in one order in which they ask one after the"
        " other; an append across streams is whole; nothing is overspent; positions follow real time",
        f"{_HISTORIES}::test_every_answer_fits_one_order_in_which_clients_ask_one_after_the_other",
        POSTGRES,
    ),
    Proof(
        "Planted races",
        "The check above is no formality: six planted races are each found by it",
        f"{_HISTORIES}::test_a_planted_race_is_found",
        POSTGRES,
    ),
    Proof(
        "Faults in between",
        "The same while sessions are ended, connections are cut within a statement, a commit or an answer,"
        " statements time"
        " out, connections are refused, deadlocks have victims, processes are frozen, a snapshot is held, the"
        " clock is set"
        " back, and behind PgBouncer: an answer is true, and an error means that nothing was recorded",
        f"{_FAULTS}/test_histories_under_faults.py",
        POSTGRES,
    ),
    Proof(
        "Kills of the server",
        "The same while PostgreSQL is killed with -9 under eight writers and consumers: what was acknowledged"
        " stays, and"
        " each late fee is charged once",
        f"{_FAULTS}/test_server_kills.py",
        POSTGRES,
    ),
    Proof("Full disks", "A full disk refuses appends and loses nothing", f"{_FAULTS}/test_disk_full.py"),
    Proof(
        "Consumers",
        "Consumers that are killed, frozen, cut off or doubled handle each event once",
        "tests/crash/test_consumers_killed.py tests/crash/test_consumers_processes.py"
        " tests/crash/test_consumers_outages.py",
    ),
    Proof(
        "Writers and answers",
        "A frozen or dead writer holds nobody up; no answer shows what a crash can take back",
        "tests/crash/store",
        POSTGRES,
    ),
    Proof(
        "Models",
        "The store does what a list of events does, and consumers what their model does, under any sequence of"
        " operations",
        "tests/contracts/machines",
    ),
    Proof(
        "Bad input",
        "Bad input is taken or refused with a reason; no other error occurs",
        "tests/properties/test_bad_input.py tests/integration/books/bad_input",
        SQLITE,
    ),
    Proof(
        "Corrupted rows",
        "A corrupted row is named by verify_eventstore, and no consumer acts on it",
        "tests/contracts/test_corrupted_rows.py",
    ),
    Proof(
        "Seals",
        "A sealed event that is changed, dropped, added or moved is found and located; a stranger finds a changed cent",
        "tests/integration/processmanagers/test_seals.py",
    ),
    Proof(
        "Export and copies",
        "An exported log is imported whole or not at all, and a copy does not act",
        "tests/integration/eventstore/test_moving.py tests/integration/eventstore/test_home.py",
    ),
    Proof(
        "Secrets",
        "No secret is written to a log, an error, an answer or a page",
        "tests/integration/web/test_secrets.py",
        POSTGRES,
    ),
    Proof(
        "Crash points",
        "Late fees, a seal, every projector, a rebuild, a grant with a key, the daily cycle, an import of invoices and"
        " one of a log are killed after each SQL statement, after a few with rounds ×1, and end as if undisturbed",
        "tests/crash/test_crash_points.py",
    ),
    Proof(
        "A cluster that fails over",
        "Three nodes under Patroni and etcd, behind HAProxy and PgBouncer: while the primary is killed, cut off from"
        " etcd and switched over under eight writers, consumers and the daily cycle, no acknowledged event is lost,"
        " nothing is recorded twice, and no process has to be started again",
        "tests/cluster/test_failover.py",
        POSTGRES,
        is_apart=True,
    ),
    Proof(
        "A forced promotion",
        "A standby that lagged is promoted by force: consumers stop and say that it is another store, and go on once an"
        " operator has let them by `manage.py recover`",
        "tests/cluster/test_forced_promotion.py",
        POSTGRES,
        is_apart=True,
    ),
    Proof(
        "A cluster that is operated",
        "What [operate a cluster](how-to/operate-a-cluster.md) lets an operator do, done to one: a setting that needs a"
        " restart, a node that is made anew, a machine that is replaced, a fourth node, and a restore to a moment",
        "tests/cluster/test_operating.py",
        POSTGRES,
        is_apart=True,
    ),
)
