"""Whatever is sent, stored or configured is taken, or refused with a reason: no other error ends the work on it.

Each test counts its cases. Together they are more than a hundred thousand, many times as many in `make prove`.
"""

import io
import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final
from uuid import UUID

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory
from pydantic import ValidationError

from eventstore.errors import EventStoreError, InvalidPayload, UnreadableEvent
from eventstore.moving.admission import admitted_event
from eventstore.moving.lines import LineReader, LineWriter
from eventstore.payloads.canonical import canonical_json
from eventstore.payloads.registry import registry
from eventstore.records import RecordedEvent
from ledger.names import COMMANDS
from ledger.rules.decide import decide
from ledger.rules.refusals.base import Refusal
from processmanagers.receivables.file.faults import FaultyFile
from processmanagers.receivables.file.file_check import check
from processmanagers.receivables.file.file_format import FileFormat
from processmanagers.receivables.file.table import read_table
from processmanagers.receivables.invoices import Terms
from settings import database_urls, environment
from tests.support.bad_input import NASTY, changed_bytes, changed_json
from tests.support.counting import count
from tests.support.rounds import rounds
from tests.unit.ledger.given import Log
from web.api.batches import body as batches
from web.api.commands import body_schema, command_of
from web.protocol.json_body import faults, parsed
from web.protocol.problems import Problem

ROOT: Final = Path(__file__).resolve().parents[2]
EXAMPLES: Final[dict[str, Any]] = json.loads((ROOT / "web/protocol/examples.json").read_text())
Outcome = str
"""`taken` or `refused`."""


def run(cases: int, one: Callable[[Random], Outcome], seed: int) -> Counter[Outcome]:
    """Try so many cases; return how many were taken and how many were refused. Both must have happened."""
    outcomes: Counter[Outcome] = Counter()
    for number in range(rounds(cases)):
        chance = Random(f"{seed} {number}")
        try:
            outcomes[one(chance)] += 1
        except Exception as error:
            error.add_note(f"case {number} of seed {seed}")
            raise
    assert min(outcomes["taken"], outcomes["refused"]) > 0, outcomes
    return outcomes


def refused(error: Exception, *names: str) -> Outcome:
    """Return that it was refused; the reason must be there, and name these."""
    assert str(error)
    assert all(name in str(error) for name in names)
    return "refused"


def logs_before_each_example() -> dict[str, Log]:
    """Return for each command a log on which its example is accepted."""
    recorded: dict[int, tuple[str, object]] = {}
    before = {}
    for name, example in EXAMPLES.items():
        if name in COMMANDS:
            events = example["answer"]["events"]
            before[name] = events[0]["position"]
            for event in events:
                data = decoded(event["type"], json.dumps(event["payload"]))
                recorded[event["position"]] = (event["stream_id"], data)
    other = ("system", None)
    return {
        name: Log(tuple(recorded.get(position, other) for position in range(1, first)))
        for name, first in before.items()
    }


def stored(kind: str, payload: str, schema_version: int = 1) -> RecordedEvent:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return RecordedEvent(1, "company-x", 1, kind, schema_version, payload, "a", "c", None, "{}", moment)


def decoded(kind: str, payload: str) -> object:
    return registry.decode(stored(kind, payload, registry.newest_schema_version(kind) or 1))


def test_the_body_of_a_command_is_recorded_or_refused() -> None:
    logs = logs_before_each_example()

    def one(chance: Random) -> Outcome:
        name = chance.choice(list(logs))
        content = changed_json(EXAMPLES[name]["body"], chance)
        try:
            value = parsed(content)
            if list(faults(value, "")) or not isinstance(value, dict):
                return "refused"
            command = command_of(name, body_schema(name).model_validate(value))
            events = decide(command, logs[name])
        except (Problem, Refusal, ValidationError) as error:
            return refused(error)
        for _, event in events:
            kind, version, payload = registry.encode(event)
            assert decoded(kind, canonical_json(payload)) == event
            assert version == registry.newest_schema_version(kind)
        return "taken"

    count("bodies of commands", run(50_000, one, 1))


def test_a_batch_is_read_or_refused() -> None:
    commands = [
        {"command": name, "idempotency_key": f"key {number}", "body": example["body"]}
        for number, (name, example) in enumerate(list(EXAMPLES.items())[:3])
    ]
    requests = RequestFactory()

    def one(chance: Random) -> Outcome:
        lines = chance.random() < 0.5
        if lines:
            content = b"\n".join(
                changed_json(command, chance) if chance.random() < 0.5 else json.dumps(command).encode()
                for command in commands
            )
        else:
            content = changed_json({"commands": commands}, chance)
        request = requests.generic("POST", "/", content, batches.LINES if lines else batches.JSON)
        try:
            batches.read(request)
        except Problem as problem:
            return refused(problem)
        return "taken"

    count("bodies of batches", run(10_000, one, 2))


def test_a_stored_payload_is_an_event_or_is_unreadable() -> None:
    golden = [
        (file.name.split(".")[0], int(file.name.split(".")[1][1:]), json.loads(file.read_text()))
        for file in sorted((ROOT / "tests/golden/events").glob("*.json"))
    ]

    def one(chance: Random) -> Outcome:
        kind, version, payload = chance.choice(golden)
        changed = changed_json({"payload": payload}, chance).decode("utf-8", "replace")[len('{"payload":') : -1]
        try:
            event = registry.decode(stored(kind, changed, chance.choice((version, version, version, 0, 99))))
        except UnreadableEvent as error:
            return refused(error, kind, "at position 1")
        assert decoded(*registry.encode(event)[::2]) == event
        return "taken"

    count("stored payloads", run(20_000, one, 3))


def test_an_event_of_any_values_is_encoded_or_refused() -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    decimals = [Decimal(text) for text in ("NaN", "1E+5", "-0", "1.00", "Infinity")]
    others = [None, True, 0, 1.5, -1, 2**70, "", "x", "\ud800", b"x", (), [], {}, ("x",), object()]
    values = [*decimals, *others, noon, noon.replace(tzinfo=None), noon.date(), UUID(int=1)]
    types = [kind for kind in registry if not kind.name.startswith("Parcel")]

    def one(chance: Random) -> Outcome:
        kind = chance.choice(types)
        fields = list(kind.cls.__dataclass_fields__)  # type: ignore[attr-defined] # it is a dataclass
        event = kind.cls(**{name: chance.choice(values) for name in fields})
        try:
            name, _, payload = registry.encode(event)
        except InvalidPayload as error:
            return refused(error, kind.name)
        assert decoded(name, payload) == event
        return "taken"

    count("events to be encoded", run(12_000, one, 4))


HEADER: Final = "customerID,invoiceNumber,InvoiceDate,DueDate,InvoiceAmount,SettledDate,DaysLate"
ROWS: Final = (
    "C1,1,03/01/2012,02/02/2012,50.39,23/01/2012,0",
    "C2,2,03/01/2012,02/02/2012,70.00,,",
    '"C3, Ltd",3,04/01/2012,03/02/2012,1.00,05/02/2012,2',
)


def test_a_file_of_invoices_is_read_or_its_faults_are_named() -> None:
    terms = Terms("Seller", "USD", 2, Decimal("0.001"))
    cells = [json.loads(text) for text in NASTY if text.startswith('"') and "ud8" not in text and "udc" not in text]

    def one(chance: Random) -> Outcome:
        rows = [row.split(",") for row in ROWS[: chance.randint(1, 3)]]
        for _ in range(chance.randint(0, 2)):
            row = chance.choice(rows)
            row[chance.randrange(len(row))] = chance.choice(cells)
        delimiter = chance.choice((",", ",", ";", "\t"))
        lines = [HEADER.replace(",", delimiter), *(delimiter.join(row) for row in rows)]
        content = (
            chance.choice(("\n", "\r\n", "\r"))
            .join(lines)
            .encode(chance.choice(("utf-8", "utf-8", "utf-16", "utf-8-sig")))
        )
        if chance.random() < 0.7:
            content = changed_bytes(content, chance)
        form = chance.choice((FileFormat(), FileFormat()))
        try:
            checked = check(read_table(content, form), terms, form, date(2020, 1, 1))
        except FaultyFile as faulty:
            return refused(faulty)
        return "refused" if checked.faults else "taken"

    count("files of invoices", run(10_000, one, 5))


def test_a_line_of_an_exported_log_is_admitted_or_refused() -> None:
    latest = datetime(2027, 1, 1, tzinfo=UTC)
    whole = {
        "position": 1, "stream_id": "company-5e11e700-0000-4000-8000-000000000001", "version": 1,
        "type": "CompanyRegistered", "schema_version": 1, "payload": {"name": "x"}, "actor": "a",
        "correlation_id": "c", "causation": None, "metadata": {}, "recorded_at": "2026-01-01T00:00:00.000000Z",
    }  # fmt: skip

    def one(chance: Random) -> Outcome:
        try:
            text = canonical_json(changed_json(whole, chance).decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            return "refused"
        written = io.BytesIO()
        LineWriter(written).write(text)
        content = changed_bytes(written.getvalue(), chance) if chance.random() < 0.2 else written.getvalue()
        try:
            for line, value in LineReader(io.BytesIO(content)):
                admitted_event(line, value, 1, latest)
        except (ValueError, EventStoreError) as error:
            return refused(error)
        return "taken"

    count("lines of exported logs", run(8_000, one, 6))


def test_a_setting_is_read_or_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "A_SETTING"
    readers: tuple[Callable[[], object], ...] = (
        partial(environment.flag, name, default=True),
        partial(environment.number, name, 5, least=1, most=100),
        partial(environment.time_zone, name, "UTC"),
        partial(environment.hosts, name, ""),
        partial(environment.origins, name, ""),
        partial(environment.choice, name, "a", "a", "b"),
        partial(environment.listening_address, name, "127.0.0.1:8000"),
        partial(environment.label, name, ""),
        partial(environment.secret, name, ""),
        partial(environment.secret_key, name),
        partial(environment.folder, name),
        partial(database_urls.database_url, name, "", lambda config: config),
    )
    good = ("true", "5", "UTC", "a.example", "https://a", "a", "127.0.0.1:8000", "x", "secret", "5a" * 32, "/tmp",  # noqa: S108 - it is not written to
            "postgres://user:password@host:5432/name", "sqlite:////tmp/x.sqlite3")  # fmt: skip

    def one(chance: Random) -> Outcome:
        content = chance.choice((*good, *NASTY)).encode("utf-8", "surrogatepass")
        value = changed_bytes(content, chance).replace(b"\0", b"") if chance.random() < 0.7 else content
        monkeypatch.setenv(name, value.decode("utf-8", "surrogateescape"))
        try:
            chance.choice(readers)()
        except ImproperlyConfigured as error:
            return refused(error, name)
        return "taken"

    count("settings", run(10_000, one, 7))
