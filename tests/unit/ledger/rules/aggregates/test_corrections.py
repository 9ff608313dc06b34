"""A late fee, a waiver, a write-off, a payment and a recovery are taken back once, whole and for a reason."""

from dataclasses import replace

import pytest

from ledger.rules.commands import (
    ApplyPayment,
    ProductReversalCommand,
    RecordRecovery,
    ReverseLateFee,
    ReversePayment,
    ReverseRecovery,
    ReverseWaiver,
    ReverseWriteOff,
    WriteOffProduct,
)
from ledger.rules.events import (
    LateFeeReversed,
    LateFeeWaived,
    PaymentReversed,
    ProductReversal,
    ProductWrittenOff,
    RecoveryRecorded,
    RecoveryReversed,
    WaiverReversed,
    WriteOffReversed,
)
from ledger.rules.refusals.balances import CurrencyMismatch
from ledger.rules.refusals.base import Refusal
from ledger.rules.refusals.existence import AlreadyReversed, NothingToReverse, UnknownProduct
from ledger.rules.refusals.fields import InvalidAmount, InvalidText
from ledger.rules.refusals.products import (
    AssetAlreadyFinanced,
    FeeNotOutstanding,
    ProductNotWrittenOff,
    RecoveryExceedsWriteOff,
)
from tests.unit.ledger.given import Given, Recorded, d, product
from tests.unit.ledger.people import INVOICE, OTHER_PRODUCT, PRODUCT, originated
from tests.unit.ledger.rules.aggregates.test_product import FEE, OVERDUE, loss, paid

# The origination takes positions 1 and 2, the fee 3; what follows begins at 4.
WAIVED = OVERDUE + product(PRODUCT, LateFeeWaived(d("0.40"), "USD", "goodwill"))
PAID_AND_LOST = OVERDUE + product(PRODUCT, paid("100.00", "100.00", "0.00"), loss("700.00", "1.00"))
RECOVERED = PAID_AND_LOST + product(PRODUCT, RecoveryRecorded(d("50.00"), "USD", "liquidator"))
RECOVER = RecordRecovery(PRODUCT, d("50"), "liquidator")
OTHER = originated("500.00", uuid=OTHER_PRODUCT)

CASES: list[tuple[Recorded, ProductReversalCommand, ProductReversal]] = [
    (OVERDUE, ReverseLateFee(PRODUCT, 3, "in error"), LateFeeReversed(3, d("1.00"), "USD", "in error")),
    (WAIVED, ReverseWaiver(PRODUCT, 4, "in error"), WaiverReversed(4, d("0.40"), "USD", "in error")),
    (
        PAID_AND_LOST,
        ReverseWriteOff(PRODUCT, 5, "in error"),
        WriteOffReversed(5, d("700.00"), d("1.00"), "USD", "in error"),
    ),
    (
        PAID_AND_LOST,
        ReversePayment(PRODUCT, 4, "bounced"),
        PaymentReversed(4, d("100.00"), d("100.00"), d("0.00"), "USD", "bounced"),
    ),
    (RECOVERED, ReverseRecovery(PRODUCT, 6, "in error"), RecoveryReversed(6, d("50.00"), "USD", "in error")),
]


@pytest.mark.parametrize(("given", "command", "expected"), CASES)
def test_a_correction_takes_back_the_whole_event_once(
    given: Recorded, command: ProductReversalCommand, expected: ProductReversal
) -> None:
    log = Given(given).when(command).then(product(PRODUCT, expected))
    Given(tuple(log.recorded)).when(command).refused(AlreadyReversed(position=command.position))


@pytest.mark.parametrize(("given", "command", "expected"), CASES)
def test_a_correction_needs_a_product_a_reason_and_the_event(
    given: Recorded, command: ProductReversalCommand, expected: ProductReversal
) -> None:
    Given().when(replace(command, reason="")).refused(UnknownProduct(product_uuid=PRODUCT))
    Given(given).when(replace(command, reason="", position=1)).refused(
        InvalidText(field="reason", reason="it is empty")
    )
    with pytest.raises(NothingToReverse, match="Position 1 is no "):
        Given(given).log.when(replace(command, position=1))


@pytest.mark.parametrize(("given", "command", "expected"), CASES[:-2])
def test_a_correction_folds_to_the_state_before(
    given: Recorded, command: ProductReversalCommand, expected: ProductReversal
) -> None:
    before = Given(tuple(pair for at, pair in enumerate(given, 1) if at != command.position)).log.product(PRODUCT)
    after = Given(given).when(command).then(product(PRODUCT, expected)).product(PRODUCT)
    assert replace(after, reversed=frozenset()) == before
    assert after.status == before.status == "open"


def test_a_payment_that_bounces_after_a_write_off_is_owed_again_and_can_be_written_off_again() -> None:
    bounced = PAID_AND_LOST + product(
        PRODUCT, PaymentReversed(4, d("100.00"), d("100.00"), d("0.00"), "USD", "bounced")
    )
    log = Given(bounced).log
    assert (log.product(PRODUCT).principal_outstanding, log.product(PRODUCT).status) == (d("100.00"), "open")
    again = ApplyPayment(PRODUCT, d("30"), "wire")
    log = Given(bounced).when(again).then(product(PRODUCT, paid("30.00", "30.00", "0.00")))
    lost = ProductWrittenOff(d("70.00"), d("0.00"), "USD", "bankrupt")
    state = Given(tuple(log.recorded)).when(WriteOffProduct(PRODUCT, "bankrupt")).then(product(PRODUCT, lost))
    assert state.product(PRODUCT).status == "written_off"
    assert state.product(PRODUCT).principal_written_off == d("770.00")


def test_money_received_after_a_write_off_is_a_recovery_and_changes_nothing_that_is_owed() -> None:
    log = Given(PAID_AND_LOST).when(RECOVER).then(product(PRODUCT, RecoveryRecorded(d("50.00"), "USD", "liquidator")))
    state = log.product(PRODUCT)
    assert (state.recovered, state.status) == (d("50.00"), "written_off")
    assert (state.principal_outstanding, state.principal_paid, state.written_off) == (d("0"), d("100"), d("701"))


def too_much(written_off: str, recovered: str) -> RecoveryExceedsWriteOff:
    return RecoveryExceedsWriteOff(written_off=d(written_off), recovered=d(recovered), currency="USD")


@pytest.mark.parametrize(
    ("given", "command", "refusal"),
    [
        ((), replace(RECOVER, currency="XXX"), UnknownProduct(product_uuid=PRODUCT)),
        (OVERDUE, replace(RECOVER, currency="EUR"), CurrencyMismatch(expected="USD", given="EUR")),
        (OVERDUE, replace(RECOVER, amount=d("0"), reference=""), InvalidAmount(value="0", reason="it is zero")),
        (OVERDUE, replace(RECOVER, reference=""), InvalidText(field="reference", reason="it is empty")),
        (OVERDUE, RECOVER, ProductNotWrittenOff(product_uuid=PRODUCT)),
        (RECOVERED, replace(RECOVER, amount=d("651.01")), too_much("701.00", "701.01")),
        (RECOVERED, ReverseWriteOff(PRODUCT, 5, "in error"), too_much("0.00", "50.00")),
        (
            WAIVED,
            ReverseLateFee(PRODUCT, 3, "in error"),
            FeeNotOutstanding(fees=d("0.60"), requested=d("1.00"), currency="USD"),
        ),
        *(
            (
                PAID_AND_LOST + OTHER,
                command,
                AssetAlreadyFinanced(
                    asset_uuid=INVOICE, product_uuid=OTHER_PRODUCT, principal_outstanding=d("500.00"), currency="USD"
                ),
            )
            for command in (ReverseWriteOff(PRODUCT, 5, "in error"), ReversePayment(PRODUCT, 4, "bounced"))
        ),
    ],
)
def test_a_correction_is_refused(given: Recorded, command: RecordRecovery, refusal: Refusal) -> None:
    Given(given).when(command).refused(refusal)


def test_a_fee_that_is_reversed_is_neither_incurred_nor_owed() -> None:
    given = OVERDUE + product(PRODUCT, FEE)
    log = (
        Given(given)
        .when(ReverseLateFee(PRODUCT, 4, "twice"))
        .then(product(PRODUCT, LateFeeReversed(4, d("1.00"), "USD", "twice")))
    )
    state = log.product(PRODUCT)
    assert (state.fees_incurred, state.fees_outstanding) == (d("1.00"), d("1.00"))
