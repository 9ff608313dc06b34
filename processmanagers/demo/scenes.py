"""What happens in the demonstration, scene by scene."""

from collections.abc import Callable
from contextlib import redirect_stderr
from datetime import date
from decimal import Decimal
from io import StringIO
from typing import Final

from django.core.management import call_command
from django.db.models import Model

from eventstore import store
from eventstore.records import RecordedEvent
from ledger import daily_cycle, memberships, states
from ledger.rules.commands import Destination, FundAsset, FundCompany, GrantBalances, ReversePayment, Source
from ledger.rules.refusals.balances import InsufficientFunds
from processmanagers.demo import portfolio
from processmanagers.demo.killing import run_late_fees, run_late_fees_killed_once
from processmanagers.demo.portfolio import (
    FINANCIER,
    INVOICES,
    PAID_AFTER,
    PAID_BEFORE,
    SELLER,
    SMALL_INVOICES,
    do,
    id_of,
)
from processmanagers.demo.telling import DemoFailed, Say, aging, money, table, trial_balance
from projectors.catalog import PROJECTORS
from projectors.queries.live import live

MONDAY: Final = date(2026, 3, 2)
TUESDAY: Final = date(2026, 3, 3)
THURSDAY: Final = date(2026, 3, 5)
FRIDAY: Final = date(2026, 3, 6)
"""Of a made-up week; 2026-03-04, a Wednesday, is the date that is missed."""


def a_portfolio(say: Say) -> None:
    """Open the first date and record companies, deals, invoices and products."""
    call_command("run_processmanager", "late_fees", "--once")
    daily_cycle.cycle(MONDAY, actor=portfolio.ACTOR)
    portfolio.register_companies()
    portfolio.make_deals()
    for invoice in (*INVOICES, *SMALL_INVOICES):
        invoice.record()
    number = len(INVOICES) + len(SMALL_INVOICES)
    say(f"{MONDAY} begins. {len(portfolio.COMPANIES)} companies, 2 deals, {number} invoices")
    say(f"of {SELLER} bought: each an asset and a product, {store.head().position} events in all.")


def a_membership(say: Say) -> None:
    """Make the seller a member and look it up."""
    before = memberships.lookup(id_of(SELLER))
    portfolio.make_member()
    after = memberships.lookup(id_of(SELLER))
    say(f"{SELLER} was no member ({before.rating_tier}); now: tier {after.rating_tier}, activated: {after.activated},")
    say(f"under deal {after.deal_uuid}.")


def two_grants(say: Say) -> None:
    """Grant what is there, and refuse what is not."""
    asset = INVOICES[0].asset_uuid
    do(FundCompany(id_of(FINANCIER), Decimal("20000.00"), "capital", "USD"))
    do(FundAsset(asset, Decimal("300.00"), "collected on INV-101"))
    account = portfolio.open_account()
    company = Source("company", id_of(FINANCIER))

    def grant(name: str, amount: str, *sources: Source) -> GrantBalances:
        to = Destination(id_of(SELLER), account, Decimal(amount), INVOICES[0].product_uuid)
        return GrantBalances(id_of(name), name, sources, (to,))

    granted = do(grant("first grant", "5000.00", Source("asset", asset), company)).events
    for event in granted:
        if event.type == "FundsDebited":
            say(f"  position {event.position}: {money(event.data.amount)} USD drawn on the {event.category}")
        if event.type == "FundsCredited":
            say(f"  position {event.position}: {money(event.data.amount)} USD paid to {SELLER}'s account")
    try:
        do(grant("second grant", "60000.00", company))
    except InsufficientFunds as refusal:
        say(f"A second grant is refused, and nothing of it is recorded: {refusal}")
    else:
        message = "a grant beyond what was available was granted"
        raise DemoFailed(message)
    left = states.company(id_of(FINANCIER)).state.balance
    say(f"{FINANCIER} has {money(left)} USD left.")


def late_fees_and_a_kill(say: Say) -> None:
    """Pay one invoice before the cycle and one after it, and kill late_fees while it charges the rest."""
    before = PAID_BEFORE.pay()
    daily_cycle.cycle(TUESDAY, actor=portfolio.ACTOR)
    cycled = store.head().position
    after = PAID_AFTER.pay()
    say(f"{PAID_BEFORE.number} and {PAID_AFTER.number} were both due on {PAID_AFTER.due}.")
    say(f"{PAID_BEFORE.number} is paid at position {before}, {TUESDAY} begins at position {cycled},")
    say(f"{PAID_AFTER.number} is paid at position {after}, and only then late_fees runs.")
    there = run_late_fees_killed_once()
    run_late_fees()
    assessed = store.last_of_type("LateFeesAssessed")
    if assessed is None or not 0 < there < assessed.data.incurred:
        message = f"late_fees was not killed in the middle: {there} fees were there"
        raise DemoFailed(message)
    _check_once_each(TUESDAY)
    say("It was killed with -9 when some of its fees were recorded and some were not, and run again:")
    say(f"{assessed.data.overdue} products overdue, {assessed.data.incurred} fees, {_total(assessed)} USD in all,")
    say("no product charged twice.")
    say(f"  {explain(PAID_AFTER.number, _fees(PAID_AFTER.product_uuid)[0])}")
    say(f"  {PAID_BEFORE.number}: {len(_fees(PAID_BEFORE.product_uuid))} fees, for it was paid before the date began.")


def a_missed_date(say: Say) -> None:
    """Run the cycle a day late."""
    dates = daily_cycle.cycle(THURSDAY, actor=portfolio.ACTOR)
    say("Nobody ran the daily cycle on the 4th. On the 5th it publishes the missing dates, in order:")
    say(f"{' and '.join(str(published) for published in dates)};")
    say(f"run again, it publishes {len(daily_cycle.cycle(THURSDAY, actor=portfolio.ACTOR)) or 'nothing'}.")
    run_late_fees()


def a_reversal(say: Say) -> None:
    """Take back a payment and see the fees begin."""
    payment = next(e for e in store.read_stream(f"product-{PAID_BEFORE.product_uuid}") if e.type == "PaymentApplied")
    reversed_at = do(ReversePayment(PAID_BEFORE.product_uuid, payment.position, "cheque returned unpaid")).position
    daily_cycle.cycle(FRIDAY, actor=portfolio.ACTOR)
    run_late_fees()
    fees = _fees(PAID_BEFORE.product_uuid)
    say(f"The payment of {PAID_BEFORE.number} at position {payment.position} bounced.")
    say(f"It is reversed at position {reversed_at}, and {FRIDAY} begins. The invoice's fees so far:")
    for fee in fees:
        say(f"  {explain(PAID_BEFORE.number, fee)}")
    assessed = [event.data for event in store.read_all(types=["LateFeesAssessed"])]
    head = ("business date", "overdue", "incurred", "not assessed", "rounded to zero")
    rows = [(a.business_date, a.overdue, a.incurred, a.not_assessed, a.rounded_to_zero) for a in assessed]
    table(say, head, [tuple(str(cell) for cell in row) for row in rows])


def the_books(say: Say) -> None:
    """Show aging and trial balance."""
    call_command("run_projector", "--once")
    say(f"Aging as {FRIDAY} begins, in USD:")
    aging(say, FRIDAY)
    say("Trial balance, in USD:")
    trial_balance(say)


def a_rebuild(say: Say) -> None:
    """Make every read model anew and compare it with the one that lived through it all."""
    tables = [table for projector in PROJECTORS for table in projector.tables]
    lived = {table: _rows(table) for table in tables}
    for projector in PROJECTORS:
        if not projector.depends_on:
            _quietly("rebuild_projector", projector.name)
    different = [table.__name__ for table in tables if _rows(table) != lived[table]]
    if different:
        message = f"a rebuild gave other rows: {', '.join(different)}"
        raise DemoFailed(message)
    rows = sum(len(rows) for rows in lived.values())
    say(f"All {len(PROJECTORS)} read models made anew beside the old ones: {rows} rows, all equal.")


def the_verifiers(say: Say) -> None:
    """Run both verifiers."""
    for name in ("verify_eventstore", "verify_ledger"):
        for line in _quietly(name):
            say(f"{name}: {line}")


SCENES: Final[tuple[tuple[str, Callable[[Say], None]], ...]] = (
    ("A portfolio", a_portfolio),
    ("A membership, known across streams", a_membership),
    ("Two grants: one granted, one refused", two_grants),
    ("Late fees, as of the position at which the date began", late_fees_and_a_kill),
    ("A missed date", a_missed_date),
    ("A reversal", a_reversal),
    ("The books", the_books),
    ("A rebuild", a_rebuild),
    ("The proof", the_verifiers),
)


def explain(number: str, fee: RecordedEvent) -> str:
    """Explain a late fee on one line: value × rate, days, payer, and the position of its daily_cycle."""
    data = fee.data
    payer = states.company(data.fee_payer_company_uuid).state.name
    days = f"{data.days_overdue} day{'s' if data.days_overdue > 1 else ''}"
    value = f"{money(data.asset_value)} × {data.daily_late_fee_rate}"
    return (
        f"{number}: {data.amount} USD for {data.business_date} = {value}, {days} overdue, paid by {payer},"
        f" as of position {fee.causation}"
    )


def _quietly(*command: str) -> list[str]:
    """Run a command without its progress, and return the lines of its result."""
    out = StringIO()
    with redirect_stderr(StringIO()):
        call_command(*command, stdout=out)
    return out.getvalue().strip().splitlines()


def _fees(product_uuid: object) -> list[RecordedEvent]:
    return [event for event in store.read_stream(f"product-{product_uuid}") if event.type == "LateFeeIncurred"]


def _total(assessed: RecordedEvent) -> str:
    return money(assessed.data.totals[0].amount)


def _check_once_each(business_date: date) -> None:
    charged = [e.stream_id for e in store.read_all(types=["LateFeeIncurred"]) if e.data.business_date == business_date]
    if len(charged) != len(set(charged)):
        message = "a product was charged twice"
        raise DemoFailed(message)


def _rows(model: type[Model]) -> list[tuple[object, ...]]:
    fields = [field.name for field in model._meta.concrete_fields if field.name not in ("id", "generation")]  # noqa: SLF001 - Django's own name
    return sorted(live(model).values_list(*fields), key=repr)
