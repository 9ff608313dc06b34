"""A long stream is folded from snapshots, which are kept in the database and are never believed unchecked."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, get_type_hints
from uuid import UUID, uuid4

import pytest
from django.db import transaction

from eventstore import store
from eventstore.clock import utc_now
from eventstore.folding import Loaded
from eventstore.log import snapshots
from eventstore.log.cache import AggregateCache
from eventstore.models import Snapshot
from eventstore.records import Context, NewEvent
from ledger.rules import decide
from ledger.rules.aggregates import company as companies
from ledger.rules.aggregates.company import Company
from ledger.rules.events import CompanyRenamed
from tests.support.ledger.portfolio import new_company

pytestmark = pytest.mark.usefixtures("database")


class TestALongStream:
    EVENTS = 2_500

    def _stream(self) -> str:
        """Return the stream of a company with many events."""
        stream = f"company-{new_company()}"
        for first in range(0, self.EVENTS, 500):
            renamed = [NewEvent(stream, CompanyRenamed(f"{first + number}")) for number in range(500)]
            store.append(renamed, Context("tester", "many"))
        return stream

    def _cache(self, fingerprint: str = "this code") -> tuple[AggregateCache[Company], list[object]]:
        """Return a cache as a new process has it, and the events that it has folded."""
        folded: list[object] = []

        def evolve(state: Company, event: Any) -> Company:
            folded.append(event)
            return companies.evolve(state, event)

        return AggregateCache(companies.INITIAL, evolve, 10, fingerprint=fingerprint), folded

    def test_is_folded_from_a_kept_snapshot_by_a_new_process(self) -> None:
        stream, head = self._stream(), store.head().position
        cache, folded = self._cache()
        assert cache.load(stream).state.name == f"{self.EVENTS - 1}"
        assert len(folded) == self.EVENTS + 1
        for position in (None, head, head - 1, head - 600, head - 1_700, head - 2_400):
            restarted, folded = self._cache()
            loaded = restarted.load(stream) if position is None else restarted.load_at(stream, position)
            assert len(folded) <= 1_000
            assert loaded.position == (position or head)
            assert loaded.state.name == f"{self.EVENTS - 1 - (head - loaded.position)}"
        process, _ = self._cache()
        process.load(stream)
        for _ in range(2):
            store.append([NewEvent(stream, CompanyRenamed("more"))] * 500, Context("tester", "many"))
            process.load(stream)
        assert list(Snapshot.objects.order_by("version").values_list("version", flat=True)) == [1000, 2000, 3001]
        assert list(process.wrong_snapshots("company", 10)) == []

    def test_is_folded_from_its_beginning_if_a_snapshot_is_of_other_code_or_wrong(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        stream = self._stream()
        self._cache()[0].load(stream)
        wrong: dict[str, Callable[[Snapshot], None]] = {
            "its checksum is wrong": lambda row: setattr(row, "state", f"{row.state} "),
            "its state cannot be read": lambda row: setattr(row, "state", "{"),
            "the log has another event there": lambda row: setattr(row, "recorded_at", row.recorded_at - timedelta(1)),
        }
        for reason, damage in wrong.items():
            rows = list(Snapshot.objects.all())
            for row in rows:
                damage(row)
                if "checksum" not in reason:
                    row.checksum = snapshots._checksum(row)
                row.save()
            cache, folded = self._cache()
            caplog.clear()
            assert cache.load(stream).state.name == f"{self.EVENTS - 1}"
            assert len(folded) == self.EVENTS + 1
            assert reason in caplog.text
            # They are replaced by right ones.
            cache, folded = self._cache()
            cache.load(stream)
            assert len(folded) <= 1000
        other, folded = self._cache("other code")
        other.load(stream)
        assert len(folded) == self.EVENTS + 1
        assert set(Snapshot.objects.values_list("fingerprint", flat=True)) == {"other code"}
        row = Snapshot.objects.latest("version")
        row.state = row.state.replace(f'"{1998}"', '"forged"')
        row.checksum = snapshots._checksum(row)
        row.save()
        [fault] = other.wrong_snapshots("company", 10)
        assert fault.startswith(f"the snapshot of {stream} at version 2000 is not what its events fold to; ")
        Snapshot.objects.all().delete()
        assert list(other.wrong_snapshots("company", 10)) == []

    def test_leaves_no_snapshot_of_events_that_may_be_rolled_back(self) -> None:
        stream = self._stream()
        with transaction.atomic():
            self._cache()[0].load_at(stream, store.head().position)
            self._cache()[0].load(stream)
        assert not Snapshot.objects.exists()

    @pytest.mark.parametrize("category", decide.STATES)
    def test_has_snapshots_that_keep_every_part_of_a_state(self, category: str) -> None:
        initial, _ = decide.STATES[category]
        hints = get_type_hints(type(initial))
        samples: dict[Any, Any] = {
            bool: True,
            str: "a",
            int: 7,
            Decimal: Decimal("12.340"),
            frozenset[int]: frozenset({3, 4}),
            UUID | None: uuid4(),
            str | None: "b",
            date | None: date(2026, 1, 2),
            tuple[UUID, ...]: (uuid4(),),
        }
        state = replace(initial, **{name: samples[hint] for name, hint in hints.items() if hint in samples})
        kept: snapshots.Snapshots[Any] = snapshots.Snapshots(type(initial), "this code", "default")
        loaded = Loaded(state, 1000, 2000, utc_now())
        kept.keep(f"{category}-x", [loaded])
        assert kept.newest(f"{category}-x", 2000) == loaded
        assert str(kept.newest(f"{category}-x", 2000)) == str(loaded)
