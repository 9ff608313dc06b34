"""Finds the invoices of a file that the ledger already contains as those of another seller."""

from collections.abc import Iterator, Sequence

from eventstore import store
from processmanagers.receivables import ids
from processmanagers.receivables.invoices import Invoice, Terms
from processmanagers.receivables.ledger_contents import ACTOR, latest_events

_SAMPLE = 100
"""The most invoices that are looked up for each other seller."""


def same_invoices(invoices: Sequence[Invoice], terms: Terms, head: int) -> Iterator[str]:
    """Yield a sentence for each other seller that has some of these invoices: same number, customer and amount."""
    sample = invoices[:_SAMPLE]
    if not sample:
        return
    for seller in _sellers(head):
        if ids.seller_uuid(seller) == ids.seller_uuid(terms.seller):
            continue
        by_uuid = {ids.asset_uuid(seller, invoice.number): invoice for invoice in sample}
        assets = latest_events("asset", by_uuid, ("AssetRegistered",), head)
        same = [
            uuid
            for uuid, asset in assets.items()
            if asset.data.value == by_uuid[uuid].amount
            and asset.data.currency == terms.currency
            and asset.data.receiver_company_uuid == ids.customer_uuid(seller, by_uuid[uuid].customer)
        ]
        if same:
            yield (
                f"{len(same)} of {len(sample)} new invoices are in the ledger already as invoices of the seller"
                f" {seller!r} (same number, customer and amount), and --seller is {terms.seller!r}"
            )


def _sellers(head: int) -> Iterator[str]:
    """Yield the sellers of earlier imports: a seller's id is derived from its name."""
    for event in store.read_all(types=["CompanyRegistered"], up_to=head):
        if event.actor == ACTOR and event.uuid == ids.seller_uuid(event.data.name):
            yield event.data.name
