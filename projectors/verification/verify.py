"""Verifies every read model, each at its own position."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.db.models import QuerySet

from eventstore.consumers.history import standstill
from eventstore.log.reads import read_by_stream
from eventstore.models import Checkpoint
from eventstore.records import RecordedEvent
from eventstore.runtime.databases import is_read_only
from eventstore.runtime.snapshot import snapshot
from eventstore.store import ensure_durable, head, read_batch, read_stream
from ledger import states
from ledger.rules.facts import stream_id
from projectors.catalog import PROJECTORS
from projectors.models import AgingBucket, Deal, DealCompany, JournalLine, SearchWord
from projectors.queries.live import live
from projectors.schema.sums import ExactSum
from projectors.verification.accounts import PartyAccounts
from projectors.verification.customer_sums import CustomerSums
from projectors.verification.differences import NOTHING, Difference, Money, Party, WrongSnapshot
from projectors.verification.due import Cycle, Due, DueByCycle
from projectors.verification.late_fees import LateFees
from projectors.verification.log import Log
from projectors.verification.rankings import compare_rankings
from projectors.verification.rows import COMPARISONS, Comparison, compare_deal_companies, compare_rows
from projectors.verification.search import SEARCHED, compare_words
from projectors.verification.streams import Entity, Observe, View, entities

_BATCH: Final = 1000
_ENTITIES: Final = 500
_SNAPSHOTS: Final = 10
"""How many snapshots of each category are compared."""


Progress = Callable[[int, int], None]
"""Called from time to time with the steps done and the steps in all."""


class Report(NamedTuple):
    """What was compared, a line each, and what was not."""

    lines: list[str]
    warnings: list[str]


def verify(progress: Progress) -> Report:
    """Compare every read model, and some snapshots, with the events; raises Difference or WrongSnapshot."""
    newest = head().position
    # A snapshot takes no changes either, so it is asked before.
    where = ", on the ledger itself" if is_read_only(settings.READ_DATABASE) else ""
    with snapshot(settings.READ_DATABASE):
        known = dict(Checkpoint.objects.using(settings.READ_DATABASE).values_list("name", "position"))
        positions = {projector.name: known.get(projector.name, 0) for projector in PROJECTORS}
        report = _Verification(positions, newest, progress, where).run()
    # The report is an answer too. See Note [Only what is durable is answered].
    ensure_durable(max(newest, *positions.values()))
    for fault in states.wrong_snapshots(_SNAPSHOTS):
        raise WrongSnapshot(fault)
    return report


class _Verification:
    """Reads the log twice: once in order of position and once stream by stream."""

    def __init__(self, positions: Mapping[str, int], newest: int, progress: Progress, where: str) -> None:
        self._positions = positions
        self._head = max(newest, *positions.values())
        self._progress = progress
        self._where = where
        self._last = max(positions.values())
        self._counts: dict[Comparison, int] = dict.fromkeys(COMPARISONS, 0)
        self._deal_companies = 0
        self._words = 0

    def run(self) -> Report:
        """Compare everything."""
        log = self._read_log()
        log.sums.compare_all()
        log.compare_days()
        due = DueByCycle([cycle for cycle in log.cycles if cycle.position <= self._positions["aging"]])
        accounts = PartyAccounts(self._positions["journal"], live(JournalLine), log.in_transit)
        late_fees = LateFees(log.cycles, self._positions["customers"])
        customers = self._customers(log.cycles)
        self._read_streams(accounts, customers, [due.observe, late_fees.observe])
        self._nothing_more()
        rows = {
            "journal": log.lines,
            "aging": _compare_aging(due, live(AgingBucket)),
            "daily_activity": len(log.days),
            "late_activity": len(log.late_days),
            "search": self._words,
            "customers": sum(
                (customers.compare(), late_fees.compare(), log.customers.compare_last(), compare_rankings())
            ),
        }
        sums = _compare_totals(accounts.totals, live(JournalLine))
        return self._report(rows, accounts.parties, sums)

    def _read_log(self) -> Log:
        log = Log(self._positions)
        journal, at = live(JournalLine), 0
        while at < self._last:
            events = read_batch(from_position=at + 1, limit=_BATCH, up_to=self._last)
            if not events or events[0].position != at + 1 or events[-1].position != at + len(events):
                raise Difference("log", "positions", Party("position", at + 1), "an event", NOTHING)
            log.read(events, journal)
            at = events[-1].position
            self._progress(at, 2 * self._last)
        return log

    def _customers(self, cycles: Sequence[Cycle]) -> CustomerSums:
        begun = [cycle.on for cycle in cycles if cycle.position <= self._positions["customers"]]
        return CustomerSums(self._positions["customers"], begun[-1] if begun else None)

    def _read_streams(self, accounts: PartyAccounts, customers: CustomerSums, observers: Sequence[Observe]) -> None:
        def observe(category: str, view: View, until: int | None) -> None:
            for observer in observers:
                observer(category, view, until)

        events = chain.from_iterable(self._counted(read_by_stream(self._last)))
        folded = entities(events, set(self._positions.values()), observe)
        while some := list(islice(folded, _ENTITIES)):
            self._compare(some, accounts)
            customers.add([entity for entity in some if entity.category == "product"])

    def _counted(self, batches: Iterator[list[RecordedEvent]]) -> Iterator[list[RecordedEvent]]:
        done = self._last
        for batch in batches:
            yield batch
            done += len(batch)
            self._progress(done, 2 * self._last)

    def _compare(self, some: Sequence[Entity], accounts: PartyAccounts) -> None:
        by_category: dict[str, list[Entity]] = {}
        for entity in some:
            by_category.setdefault(entity.category, []).append(entity)
        for comparison in COMPARISONS:
            of_category = by_category.get(comparison.category, [])
            if of_category:
                position = self._positions[comparison.projector]
                self._counts[comparison] += compare_rows(comparison, of_category, position, live(comparison.model))
        for category in by_category.keys() & SEARCHED.keys():
            position = self._positions["search"]
            self._words += compare_words(category, by_category[category], position, live(SearchWord))
        deals = by_category.pop("deal", [])
        if deals:
            self._deal_companies += compare_deal_companies(deals, self._positions["directory"], live(DealCompany))
        for category, of_category in by_category.items():
            accounts.compare(category, of_category)

    def _nothing_more(self) -> None:
        """Raise Difference for a row of an entity that no event has."""
        for comparison, count in self._counts.items():
            rows = live(comparison.model).filter(**comparison.where)
            if rows.count() != count:
                _name_unknown(comparison, rows, self._positions[comparison.projector])
        if live(SearchWord).count() != self._words:
            raise Difference("search", "words", Party("rows of", "search"), self._words, live(SearchWord).count())
        rows = live(DealCompany)
        if rows.count() != self._deal_companies:
            deals = next(comparison for comparison in COMPARISONS if comparison.model is Deal)
            _name_unknown(deals, rows, self._positions["directory"])

    def _report(self, rows: dict[str, int], parties: int, sums: int) -> Report:
        for comparison, count in self._counts.items():
            rows[comparison.projector] = rows.get(comparison.projector, 0) + count
        lines, warnings = [], []
        for name, position in self._positions.items():
            if name not in rows:
                lines.append(f"{name}: not verified")
                warnings.append(f"{name} is not verified: projectors/verification has no check of its tables")
                continue
            lines.append(f"{name}: {rows[name]:,} rows at {position:,} of {self._head:,}")
            if position < self._head:
                why = standstill(name)
                remedy = f"it is {why}" if why else f"manage.py run_projector {name} --once brings it there"
                beyond = f"{name} is at {position:,} of {self._head:,} and not verified beyond that"
                warnings.append(f"{beyond}: {remedy}{self._where}")
        total = f"journal: {parties:,} parties, {sums:,} accounts and currencies; the trial balance is zero"
        return Report([*lines, total], warnings)


def _name_unknown(comparison: Comparison, rows: QuerySet[Any], position: int) -> None:
    for uuid in rows.values_list(comparison.key, flat=True).iterator():
        stream = read_stream(stream_id(comparison.category, uuid), up_to=position, limit=1)
        if next(stream, None) is None:
            raise Difference(comparison.projector, "presence", Party(comparison.category, uuid), NOTHING, "a row")


def _compare_aging(due: DueByCycle, rows: QuerySet[AgingBucket]) -> int:
    found = {(row.business_date, row.currency, row.bucket): row for row in rows}
    compared = 0
    for expected in due.results():
        row = found.pop((expected.cycle.on, expected.currency, expected.bucket), None)
        _compare_bucket(expected, row)
        compared += 1
    for key, row in found.items():
        party = Party("business date", " ".join(map(str, key)))
        raise Difference("aging", "products", party, NOTHING, row.products)
    return compared


def _compare_bucket(expected: Due, row: AgingBucket | None) -> None:
    party = Party("business date", f"{expected.cycle.on} {expected.currency} {expected.bucket}")
    if row is None:
        raise Difference("aging", "products", party, expected.products, NOTHING)
    for column in ("principal", "fees"):
        figures = [Money(getattr(s, column), expected.currency, s.minor_digits) for s in (expected, row)]
        if figures[0] != figures[1]:
            raise Difference("aging", column, party, *figures)
    if (expected.products, expected.cycle.position) != (row.products, row.position):
        by_events = f"{expected.products} at {expected.cycle.position}"
        raise Difference("aging", "products", party, by_events, f"{row.products} at {row.position}")


def _compare_totals(expected: Mapping[tuple[str, str], int], lines: QuerySet[JournalLine]) -> int:
    """Compare the trial balance with the folded streams; raises Difference, also if it is not zero."""
    keys = ("account", "currency", "minor_digits")
    sums = lines.values(*keys).annotate(debits=ExactSum("debit"), credits=ExactSum("credit")).order_by()
    trial: dict[tuple[str, int], int] = {}
    seen: set[tuple[str, str]] = set()
    for row in sums:
        net, currency, digits = row["debits"] - row["credits"], row["currency"], row["minor_digits"]
        trial[currency, digits] = trial.get((currency, digits), 0) + net
        wanted = expected.get((row["account"], currency), 0)
        seen.add((row["account"], currency))
        if net != wanted:
            figures = [Money(figure, currency, digits) for figure in (wanted, net)]
            raise Difference("trial balance", row["account"], Party("all of", currency), *figures)
    for (currency, digits), net in trial.items():
        if net:
            figures = [Money(figure, currency, digits) for figure in (0, net)]
            raise Difference("trial balance", "all accounts", Party("all of", currency), *figures)
    return len(seen)
