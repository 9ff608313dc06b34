"""The nine steps of the demonstration."""

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
from ledger.grant import grant_balances
from ledger.rules.commands import Destination, FundAsset, FundCompany, ReversePayment, Source
from ledger.rules.refusals.balances import InsufficientFunds
from processmanagers.demo import portfolio
from processmanagers.demo.late_fees_process import run_late_fees, run_late_fees_killed_once
from processmanagers.demo.output import (
    DemoFailed,
    WriteLine,
    money,
    write_aging,
    write_table,
    write_trial_balance,
)
from processmanagers.demo.portfolio import (
    ACTOR,
    CORRELATION,
    FINANCIER,
    INVOICES,
    PAID_AFTER,
    PAID_BEFORE,
    SELLER,
    SMALL_INVOICES,
    execute,
    id_of,
)
from projectors.catalog import PROJECTORS
from projectors.queries.live import live

MONDAY: Final = date(2026, 3, 2)
TUESDAY: Final = date(2026, 3, 3)
THURSDAY: Final = date(2026, 3, 5)
FRIDAY: Final = date(2026, 3, 6)
"""The dates of a made-up week. Wednesday 2026-03-04 is the date that the daily cycle misses."""


def record_portfolio(write: WriteLine) -> None:
    """Begin the first date and record companies, deals, invoices and products."""
    call_command("run_processmanager", "late_fees", "--once")
    daily_cycle.cycle(MONDAY, actor=ACTOR)
    portfolio.register_companies()
    portfolio.make_deals()
    for invoice in (*INVOICES, *SMALL_INVOICES):
        invoice.record()
    number = len(INVOICES) + len(SMALL_INVOICES)
    write(f"{MONDAY} begins. {len(portfolio.COMPANIES)} companies, 2 deals, {number} invoices")
    write(f"of {SELLER} bought: each an asset and a product, {store.head().position} events in all.")


def look_up_membership(write: WriteLine) -> None:
    """Make the seller a member and look up the membership."""
    before = memberships.lookup(id_of(SELLER))
    portfolio.make_member()
    after = memberships.lookup(id_of(SELLER))
    write(f"{SELLER} had no membership (tier {before.rating_tier}).")
    write(f"Now it has one: tier {after.rating_tier}, activated: {after.activated},")
    write(f"under deal {after.deal_uuid}.")


def grant_and_refuse(write: WriteLine) -> None:
    """Grant an available amount; ask for more than is available and see it refused."""
    asset = INVOICES[0].asset_uuid
    execute(FundCompany(id_of(FINANCIER), Decimal("20000.00"), "capital", "USD"))
    execute(FundAsset(asset, Decimal("300.00"), "collected on INV-101"))
    account = portfolio.open_account()
    company = Source("company", id_of(FINANCIER))

    def grant(name: str, amount: str, *sources: Source) -> tuple[RecordedEvent, ...]:
        to = Destination(id_of(SELLER), account, Decimal(amount), INVOICES[0].product_uuid)
        uuid = id_of(name)
        return grant_balances(name, sources, (to,), grant_uuid=uuid, actor=ACTOR, correlation_id=CORRELATION).events

    granted = grant("first grant", "5000.00", Source("asset", asset), company)
    for event in granted:
        if event.type == "FundsDebited":
            write(f"  position {event.position}: {money(event.data.amount)} USD drawn on the {event.category}")
        if event.type == "FundsCredited":
            write(f"  position {event.position}: {money(event.data.amount)} USD paid to {SELLER}'s account")
    try:
        grant("second grant", "60000.00", company)
    except InsufficientFunds as refusal:
        write(f"A second grant is refused, and nothing of it is recorded: {refusal}")
    else:
        message = "a grant of more than is available was not refused"
        raise DemoFailed(message)
    left = states.company(id_of(FINANCIER)).state.balance
    write(f"{FINANCIER} has {money(left)} USD left.")


def kill_late_fees(write: WriteLine) -> None:
    """Pay one invoice before the cycle and one after it, and kill late_fees while it charges the rest."""
    before = PAID_BEFORE.pay()
    daily_cycle.cycle(TUESDAY, actor=ACTOR)
    cycled = store.head().position
    after = PAID_AFTER.pay()
    write(f"{PAID_BEFORE.number} and {PAID_AFTER.number} were both due on {PAID_AFTER.due}.")
    write(f"{PAID_BEFORE.number} is paid at position {before}, {TUESDAY} begins at position {cycled},")
    write(f"{PAID_AFTER.number} is paid at position {after}. Then late_fees runs.")
    fees_at_kill = run_late_fees_killed_once()
    run_late_fees()
    assessed = store.last_of_type("LateFeesAssessed")
    if assessed is None or not 0 < fees_at_kill < assessed.data.incurred:
        message = f"late_fees was not killed in the middle: it had recorded {fees_at_kill} fees"
        raise DemoFailed(message)
    _check_once_each(TUESDAY)
    write("It was killed with SIGKILL after some of its fees were recorded, and run again:")
    write(f"{assessed.data.overdue} products overdue, {assessed.data.incurred} fees, {_total(assessed)} USD in all,")
    write("no product is charged twice.")
    write(f"  {explain(PAID_AFTER.number, _fees(PAID_AFTER.product_uuid)[0])}")
    fees = len(_fees(PAID_BEFORE.product_uuid))
    write(f"  {PAID_BEFORE.number}: {fees} fees, because it was paid before the date began.")


def miss_a_date(write: WriteLine) -> None:
    """Run the daily cycle one day late."""
    dates = daily_cycle.cycle(THURSDAY, actor=ACTOR)
    write("The daily cycle did not run on the 4th. On the 5th it publishes the missing dates in order:")
    write(f"{' and '.join(str(published) for published in dates)}.")
    write(f"Run again, it publishes {len(daily_cycle.cycle(THURSDAY, actor=ACTOR)) or 'nothing'}.")
    run_late_fees()


def reverse_payment(write: WriteLine) -> None:
    """Reverse a payment and see the fees begin."""
    payment = next(e for e in store.read_stream(f"product-{PAID_BEFORE.product_uuid}") if e.type == "PaymentApplied")
    reversed_at = execute(ReversePayment(PAID_BEFORE.product_uuid, payment.position, "cheque returned unpaid")).position
    daily_cycle.cycle(FRIDAY, actor=ACTOR)
    run_late_fees()
    fees = _fees(PAID_BEFORE.product_uuid)
    write(f"The payment of {PAID_BEFORE.number} at position {payment.position} bounced.")
    write(f"It is reversed at position {reversed_at}, and {FRIDAY} begins. The invoice's fees so far:")
    for fee in fees:
        write(f"  {explain(PAID_BEFORE.number, fee)}")
    assessed = [event.data for event in store.read_all(types=["LateFeesAssessed"])]
    head = ("business date", "overdue", "incurred", "not assessed", "rounded to zero")
    rows = [(a.business_date, a.overdue, a.incurred, a.not_assessed, a.rounded_to_zero) for a in assessed]
    write_table(write, head, [tuple(str(cell) for cell in row) for row in rows])


def show_books(write: WriteLine) -> None:
    """Show the aging and the trial balance."""
    call_command("run_projector", "--once")
    write(f"Aging as {FRIDAY} begins, in USD:")
    write_aging(write, FRIDAY)
    write("Trial balance, in USD:")
    write_trial_balance(write)


def rebuild_read_models(write: WriteLine) -> None:
    """Rebuild every read model and compare its rows with the ones before."""
    tables = [table for projector in PROJECTORS for table in projector.tables]
    before = {table: _rows(table) for table in tables}
    for projector in PROJECTORS:
        if not projector.depends_on:
            _quietly("rebuild_projector", projector.name)
    different = [table.__name__ for table in tables if _rows(table) != before[table]]
    if different:
        message = f"the rebuild gave different rows in: {', '.join(different)}"
        raise DemoFailed(message)
    rows = sum(len(rows) for rows in before.values())
    write(f"All {len(PROJECTORS)} read models are rebuilt beside the old ones: {rows} rows, all equal.")


def verify(write: WriteLine) -> None:
    """Run both verifiers."""
    for name in ("verify_eventstore", "verify_ledger"):
        for line in _quietly(name):
            write(f"{name}: {line}")


STEPS: Final[tuple[tuple[str, Callable[[WriteLine], None]], ...]] = (
    ("A portfolio", record_portfolio),
    ("A membership, known across streams", look_up_membership),
    ("Two grants: one granted, one refused", grant_and_refuse),
    ("Late fees, as of the position at which the date began", kill_late_fees),
    ("A missed date", miss_a_date),
    ("A reversal", reverse_payment),
    ("The books", show_books),
    ("A rebuild", rebuild_read_models),
    ("The proof", verify),
)


def explain(number: str, fee: RecordedEvent) -> str:
    """Explain a late fee on one line: value × rate, days overdue, payer, and the position of its cycle."""
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
