"""The process manager that charges each overdue product a fee for each business date.

# Note [Late fees are those of the position]
The fees of date D are computed from the ledger's state at the position of D's SystemCycled, however late they are
assessed. The read model, which is at that position or beyond, only finds the products (overdue.py), and uses only
fields that never change after origination. Values come from the assets' own events up to the position. So a late
run, a run after a rebuild and a run resumed in the middle record the same fees as a prompt run.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar, Final, Self
from uuid import UUID

from eventstore.consumers.definitions import Chunk, ChunkInParts, ProcessManager
from eventstore.records import NewEvent, RecordedEvent
from ledger.rules.events import CurrencyTotal, LateFeeNotAssessed, LateFeesAssessed
from ledger.rules.facts import stream_id
from processmanagers.assets import AssetTexts, assets_at
from processmanagers.fees import Cycle
from processmanagers.overdue import FIRST, overdue_page
from processmanagers.recorded_fees import Fee, RecordedFees
from projectors.queries.overdue import Candidate

_PART: Final = 50
"""So many fees are worked out in a millisecond."""


class LateFees(ProcessManager):
    """Answers SystemCycled with a fee for each overdue product, and after the last one with LateFeesAssessed."""

    name: ClassVar[str] = "late_fees"
    types: ClassVar[tuple[str, ...]] = ("SystemCycled",)
    depends_on: ClassVar[tuple[str, ...]] = ("financial_products",)

    def react(self, event: RecordedEvent, progress: Any | None, limit: int) -> Chunk:
        """Assess the next products of the cycle, at most `limit`, and end with LateFeesAssessed after the last one."""
        parts = self.react_in_parts(event, progress, limit)
        while True:
            try:
                next(parts)
            except StopIteration as made:
                chunk: Chunk = made.value
                return chunk

    def react_in_parts(self, event: RecordedEvent, progress: Any | None, limit: int) -> ChunkInParts:
        """Do the same, some products at a time. See Note [Late fees are those of the position]."""
        cycle = Cycle(event.data.new_date, event.position, event.recorded_at)
        first = FIRST if progress is None else UUID(progress["next"])
        tally = Tally() if progress is None else Tally.from_json(progress)
        page = overdue_page(cycle.position, cycle.date, first, limit)
        assets, fees, events = (
            assets_at([product.asset_uuid for product in page.products], cycle.position),
            RecordedFees(cycle),
            list[NewEvent](),
        )
        for first_of_part in range(0, len(page.products), _PART):
            yield
            events += _assessed(page.products[first_of_part : first_of_part + _PART], assets, fees, tally)
        if page.next is not None:
            return Chunk(events, {"next": str(page.next), **tally.to_json()})
        return Chunk([*events, NewEvent("late_fees", tally.finish(cycle))], None)


@dataclass(slots=True)
class Tally:
    """The counts and sums of one cycle so far."""

    incurred: int = 0
    not_assessed: int = 0
    rounded_to_zero: int = 0
    totals: dict[str, Decimal] = field(default_factory=dict)

    @classmethod
    def from_json(cls, counts: dict[str, Any]) -> Self:
        """Return the tally that `to_json` has written."""
        totals = {currency: Decimal(total) for currency, total in counts["totals"].items()}
        return cls(counts["incurred"], counts["not_assessed"], counts["rounded_to_zero"], totals)

    def to_json(self) -> dict[str, Any]:
        """Return the tally as the checkpoint row keeps it; sums are text."""
        totals = {currency: str(total) for currency, total in self.totals.items()}
        return {
            "incurred": self.incurred,
            "not_assessed": self.not_assessed,
            "rounded_to_zero": self.rounded_to_zero,
            "totals": totals,
        }

    def count(self, outcome: Fee | LateFeeNotAssessed | None) -> None:
        """Count one overdue product."""
        match outcome:
            case Fee(amount=amount, currency=currency):
                self.incurred += 1
                self.totals[currency] = self.totals.get(currency, Decimal(0)) + amount
            case LateFeeNotAssessed():
                self.not_assessed += 1
            case None:
                self.rounded_to_zero += 1

    def finish(self, cycle: Cycle) -> LateFeesAssessed:
        """Return the event that says that the fees of the date are complete."""
        return LateFeesAssessed(
            cycle.date,
            self.incurred + self.not_assessed + self.rounded_to_zero,
            self.incurred,
            self.not_assessed,
            self.rounded_to_zero,
            tuple(CurrencyTotal(currency, total) for currency, total in sorted(self.totals.items())),
        )


def _assessed(
    products: list[Candidate], assets: Mapping[str | None, AssetTexts], fees: RecordedFees, tally: Tally
) -> Iterator[NewEvent]:
    for product in products:
        outcome = fees.of(product, assets.get(product.asset_uuid))
        tally.count(outcome)
        if outcome is not None:
            event = outcome.event if isinstance(outcome, Fee) else outcome
            yield NewEvent(stream_id("product", product.product_uuid), event)
