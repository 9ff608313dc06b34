"""The process manager that charges each overdue product a fee for each business date.

# Note [Late fees are those of the position]
The fees of date D are computed from the ledger's state at the position of D's SystemCycled, however late they are
assessed. The read model, which is at that position or beyond, only finds the products (overdue.py), and uses only
fields that never change after origination. Values come from the assets' own events up to the position. So a late
run, a run after a rebuild and a run resumed in the middle record the same fees as a prompt run.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar, Self
from uuid import UUID

from eventstore.consumers.definitions import Chunk, ProcessManager
from eventstore.records import NewEvent, RecordedEvent
from eventstore.store import latest
from ledger.rules.events import CurrencyTotal, LateFeeNotAssessed, LateFeesAssessed
from ledger.rules.facts import stream_id
from processmanagers.fees import Cycle
from processmanagers.overdue import FIRST, overdue_page
from processmanagers.recorded_fees import AssetTexts, Fee, RecordedFees
from projectors.events.payloads import payload_of
from projectors.queries.overdue import Candidate


class LateFees(ProcessManager):
    """Answers SystemCycled with a fee for each overdue product, and after the last one with LateFeesAssessed."""

    name: ClassVar[str] = "late_fees"
    types: ClassVar[tuple[str, ...]] = ("SystemCycled",)
    depends_on: ClassVar[tuple[str, ...]] = ("financial_products",)

    def react(self, event: RecordedEvent, progress: Any | None, limit: int) -> Chunk:
        """Assess the next products of the cycle, at most `limit`, and end with LateFeesAssessed after the last one."""
        cycle = Cycle(event.data.new_date, event.position, event.recorded_at)
        first = FIRST if progress is None else UUID(progress["next"])
        tally = Tally() if progress is None else Tally.from_json(progress)
        page = overdue_page(cycle.position, cycle.date, first, limit)
        events = list(_assessed(page.products, cycle, tally))
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


def _assessed(products: list[Candidate], cycle: Cycle, tally: Tally) -> Iterable[NewEvent]:
    assets, fees = _assets_at(products, cycle.position), RecordedFees(cycle)
    for product in products:
        outcome = fees.of(product, assets.get(product.asset_uuid))
        tally.count(outcome)
        if outcome is not None:
            event = outcome.event if isinstance(outcome, Fee) else outcome
            yield NewEvent(stream_id("product", product.product_uuid), event)


def _assets_at(products: list[Candidate], position: int) -> dict[str | None, AssetTexts]:
    """Return the assets of the products as of a position, by at most two reads.

    See Note [Late fees are those of the position].
    """
    uuids = {product.asset_uuid for product in products if product.asset_uuid is not None}
    streams = {stream_id("asset", uuid): uuid for uuid in uuids}
    valued = latest(list(streams), ("AssetRegistered", "AssetRevalued"), position)
    revalued = [stream for stream, event in valued.items() if event.type == "AssetRevalued"]
    registered = latest(revalued, ("AssetRegistered",), position) if revalued else {}
    assets: dict[str | None, AssetTexts] = {}
    for stream, event in valued.items():
        registration = event if event.type == "AssetRegistered" else registered.get(stream)
        if registration is not None:
            value = payload_of(event)
            asset = value if registration is event else payload_of(registration)
            assets[streams[stream]] = AssetTexts(
                value["value"], value["currency"], asset["sender_company_uuid"], asset["receiver_company_uuid"]
            )
    return assets
