"""Compares the lines of customers with the events, in the order of the log, and the last ones with the sums."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from eventstore.models import Checkpoint
from eventstore.records import RecordedEvent
from ledger.rules.events import (
    LateFeeIncurred,
    LateFeeReversed,
    LateFeeWaived,
    PaymentApplied,
    PaymentReversed,
    WaiverReversed,
)
from ledger.rules.money import to_minor
from projectors.customers.sums import LINES
from projectors.financial_products import FinancialProducts
from projectors.models import CustomerLine, CustomerSum, OwedProduct
from projectors.queries.customer_sums import Moment, customer_sums
from projectors.queries.live import live
from projectors.tables.layout import Key, Row
from projectors.verification.differences import NOTHING, Difference, Money, Party

_MONEY: Final = ("change", "owed", "fees", "fees_incurred", "fees_paid", "fees_waived")
_LAST: Final = ("products", "overdue_products", "fees", "owed", "overdue", "fees_incurred", "fees_paid", "fees_waived")


class CustomerLines:
    """Adds up what each event changes in what its customer owes, and compares the line of the event with it."""

    def __init__(self, position: int, using: str) -> None:
        self._position, self._using = position, using
        checkpoint = Checkpoint.objects.using(using).filter(name="customers").first()
        self._generation = 0 if checkpoint is None else checkpoint.generation
        self._sums: dict[Key, dict[str, int]] = {}
        self._batch: list[tuple[RecordedEvent, Sequence[Row]]] = []
        self._lines = 0

    def note(self, event: RecordedEvent, of_event: Sequence[Row]) -> None:
        """Note an event of the batch, with its lines of the journal."""
        if event.type in FinancialProducts.types and event.position <= self._position:
            self._batch.append((event, of_event))

    def compare_batch(self) -> None:
        """Compare the lines of the events noted; raises Difference."""
        owners = self._owners()
        keyed = [((*owners[event.uuid], event.position), event, of_event) for event, of_event in self._batch]
        found = LINES.load({key for key, _, _ in keyed}, self._generation, self._using)
        for key, event, of_event in keyed:
            self._compare(key, event, of_event, found.get(key))
        self._lines += len(keyed)
        self._batch.clear()

    def _owners(self) -> dict[UUID, Key]:
        uuids = {event.uuid for event, _ in self._batch}
        rows = live(OwedProduct).filter(product_uuid__in=uuids)
        found = {row.product_uuid: (str(row.company_uuid), row.currency, row.minor_digits) for row in rows}
        for uuid in uuids - found.keys():
            raise Difference("customers", "presence", Party("product", uuid), "a row", NOTHING)
        return found

    def _compare(self, key: Key, event: RecordedEvent, of_event: Sequence[Row], row: Row | None) -> None:
        party = Party(f"position {event.position} and customer", key[0])
        if row is None:
            raise Difference("lines of customers", "presence", party, "a line", NOTHING)
        total = self._sums.setdefault(key[:3], dict.fromkeys(_MONEY, 0))
        principal, fees = (_net(of_event, account) for account in ("principal_receivable", "fees_receivable"))
        total["change"] = principal + fees
        total["owed"] += principal + fees
        total["fees"] += fees
        for column, amount in _fees(event.data).items():
            total[column] += to_minor(amount)
        for column in _MONEY:
            if total[column] != row[column]:
                raise Difference(
                    "lines of customers", column, party, *(Money(s[column], *key[1:3]) for s in (total, row))
                )
        expected = {
            "event_type": event.type,
            "product_uuid": str(event.uuid),
            "business_date": of_event[0]["business_date"] if of_event else row["business_date"],
        }
        for column, value in expected.items():
            if value != row[column]:
                raise Difference("lines of customers", column, party, value, row[column])

    def compare_last(self) -> int:
        """Compare the number of lines, and the last line of each customer with its sums; return that number."""
        of_products = live(CustomerLine).filter(product_uuid__isnull=False).count()
        if of_products != self._lines:
            raise Difference("customers", "number", Party("lines of", "products"), self._lines, of_products)
        sums = {(row["company_uuid"], row["currency"]): row for row in live(CustomerSum).values()}
        for last in customer_sums(Moment(self._position)):
            row: Mapping[str, Any] = sums.get((last.company_uuid, last.currency), {})
            for column in _LAST:
                if getattr(last, column) != row.get(column):
                    party = Party("last line of customer", last.company_uuid)
                    raise Difference("customers", column, party, row.get(column, NOTHING), getattr(last, column))
        return self._lines


def _net(of_event: Sequence[Row], account: str) -> int:
    net: int = sum(line["debit"] - line["credit"] for line in of_event if line["account"] == account)
    return net


def _fees(data: object) -> dict[str, Decimal]:
    """Return what an event adds to the fees that were incurred, paid and waived."""
    match data:
        case LateFeeIncurred(amount):
            return {"fees_incurred": amount}
        case LateFeeReversed(_, amount):
            return {"fees_incurred": -amount}
        case PaymentApplied(to_fees=to_fees):
            return {"fees_paid": to_fees}
        case PaymentReversed(to_fees=to_fees):
            return {"fees_paid": -to_fees}
        case LateFeeWaived(amount):
            return {"fees_waived": amount}
        case WaiverReversed(_, amount):
            return {"fees_waived": -amount}
        case _:
            return {}
