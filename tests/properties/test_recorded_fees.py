"""The JSON of late fees is what the codec makes of the fees that the definition assesses."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from hypothesis import example, given, settings
from hypothesis import strategies as st

from eventstore.payloads.registry import Encoded, registry
from ledger.rules.events import LateFeeIncurred
from processmanagers.assets import AssetTexts
from processmanagers.fees import AssetAt, Cycle, assess
from processmanagers.recorded_fees import Fee, RecordedFees
from projectors.queries.overdue import Candidate
from tests.support.rounds import rounds

COMPANIES = [UUID(f"{number}b0e1f6e-6c8a-4c1e-9d5e-5d1f0a4b7c3d") for number in range(4)]
ASSET = UUID("ab0e1f6e-6c8a-4c1e-9d5e-5d1f0a4b7c3d")
DUE = date(2024, 2, 28)


class Terms(NamedTuple):
    """The terms of a product."""

    asset_uuid: UUID | None
    due_date: date
    daily_late_fee_rate: Decimal
    late_fee_payer_role: str
    companies: tuple[tuple[UUID, str], ...]


companies = st.sampled_from(COMPANIES)
values = st.builds(
    lambda units, digits: Decimal(units).scaleb(-digits),
    st.one_of(st.integers(0, 3000), st.integers(0, 10**18 - 1)),
    st.sampled_from([0, 2, 2, 2, 3]),
)
rates = st.builds(
    lambda units, digits: Decimal(units).scaleb(-digits), st.integers(0, 1000), st.sampled_from([3, 4, 8])
)
terms = st.builds(
    Terms,
    st.sampled_from([ASSET, ASSET, ASSET, None]),
    st.dates(date(1900, 1, 1), DUE),
    rates,
    st.sampled_from(["debtor", "seller"]),
    st.lists(st.tuples(companies, st.sampled_from(["debtor", "seller", "Größe"])), max_size=4).map(tuple),
)
assets = st.builds(AssetAt, values, st.sampled_from(["USD", "JPY", 'a "quoted" \\ Größe']), companies, companies)
cycles = st.builds(
    Cycle,
    st.dates(DUE + timedelta(days=1), date(2999, 12, 31)),
    st.just(77),
    st.one_of(st.datetimes(timezones=st.just(UTC)), st.just(datetime(2024, 3, 1, 8, tzinfo=UTC))),
)


def text_of(amount: Decimal) -> str:
    return f"{amount:f}"


@settings(max_examples=rounds(400))
@example(
    product=Terms(None, DUE, Decimal("0.010"), "debtor", ((COMPANIES[0], "debtor"),)),
    asset=AssetAt(Decimal(100), "USD", COMPANIES[0], COMPANIES[0]),
    cycle=Cycle(DUE + timedelta(days=1), 77, datetime(2024, 3, 1, 8, tzinfo=UTC)),
    is_shouted=False,
)
@given(product=terms, asset=st.one_of(st.none(), assets, assets, assets), cycle=cycles, is_shouted=st.booleans())
def test_the_recorded_fee_is_the_assessed_one(
    product: Terms, asset: AssetAt | None, cycle: Cycle, *, is_shouted: bool
) -> None:
    roles = [{"company_uuid": str(uuid), "role": role} for uuid, role in product.companies]
    candidate = Candidate(
        "cb0e1f6e-6c8a-4c1e-9d5e-5d1f0a4b7c3d",
        None if product.asset_uuid is None else str(product.asset_uuid),
        product.due_date,
        text_of(product.daily_late_fee_rate),
        product.late_fee_payer_role,
        json.dumps(roles),
    )
    texts = None
    if asset is not None:
        sender, receiver = str(asset.sender_company_uuid), str(asset.receiver_company_uuid)
        # An imported log may have a uuid in another form.
        texts = AssetTexts(
            text_of(asset.value), asset.currency, sender.upper() if is_shouted else sender, receiver.replace("-", "")
        )
    assessed = assess(product, asset, cycle)
    recorded = RecordedFees(cycle).of(candidate, texts)
    if not isinstance(assessed, LateFeeIncurred):
        assert recorded == assessed
        return
    assert isinstance(recorded, Fee)
    assert (str(recorded.amount), recorded.currency) == (str(assessed.amount), assessed.currency)
    assert registry.encode(recorded.event) == registry.encode(assessed)
    assert isinstance(recorded.event, Encoded)
