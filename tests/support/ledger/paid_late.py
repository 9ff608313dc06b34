"""One invoice that is paid three days late and charged for it afterwards."""

from datetime import date, timedelta
from typing import Final

from eventstore.consumers.loop import catch_up
from tests.support.ledger.book import Book, Product, run_late_fees

FINANCED: Final = date(2012, 2, 11)
DUE: Final = date(2012, 3, 12)
PAID: Final = date(2012, 3, 15)


def paid_late() -> Product:
    """Play an invoice of 45.00 that is paid three days late; its fees are charged only at the end."""
    book = Book()
    book.cycle(FINANCED)
    invoice = book.invoice(DUE, "45.00")
    day = DUE
    while day <= PAID:
        book.cycle(day)
        day += timedelta(days=1)
    book.pay(invoice)
    book.cycle(PAID + timedelta(days=1))
    run_late_fees()
    catch_up()
    return invoice
