"""Commands through the service layer: each once, refusals, decisions after a conflict, and repeats."""

from collections.abc import Callable
from contextlib import nullcontext
from decimal import Decimal
from functools import partial
from uuid import UUID, uuid4

import pytest
from django.db import connection
from pytest_django import Settings

from eventstore import store
from eventstore.errors import IdempotencyKeyReused, OutcomeUnknown
from eventstore.records import Appended, IdempotencyKey
from ledger import states
from ledger.rules.commands import (
    ActivateDeal,
    ActivateFundingAccount,
    ApplyPayment,
    CloseFundingAccount,
    Command,
    CreateDeal,
    DeleteDeal,
    Destination,
    FundAsset,
    FundCompany,
    GrantBalances,
    OpenFundingAccount,
    PayOutFunds,
    RecordRecovery,
    RegisterAsset,
    RegisterCompany,
    RenameCompany,
    ReturnPayout,
    RevalueAsset,
    ReverseFunding,
    ReversePayment,
    ReverseRecovery,
    ReverseWriteOff,
    Source,
    UpdateDeal,
    WaiveLateFee,
    WriteOffProduct,
)
from ledger.rules.events import DealCompany
from ledger.rules.refusals.balances import AccountNotActive, InsufficientFunds
from ledger.rules.refusals.base import Refusal
from ledger.rules.refusals.existence import AlreadyExists, NothingToReverse
from ledger.rules.refusals.fields import UnknownCurrency
from ledger.rules.refusals.products import AssetAlreadyFinanced, DealNotActive, WaiverExceedsFees
from tests.support.databases import Database
from tests.support.ledger.portfolio import (
    do,
    interfering,
    new_account,
    new_asset,
    new_company,
    new_deal,
    new_product,
    origination,
    together,
)

pytestmark = pytest.mark.usefixtures("database")

ONE, USD = Decimal("1.00"), "USD"


def types(appended: Appended) -> list[str]:
    return [event.type for event in appended.events]


def contents_of(appended: Appended) -> list[object]:
    # JSON text may come back in another order of keys.
    return [(event._replace(payload_json="", metadata_json=""), event.payload) for event in appended.events]


def head() -> int:
    return store.head().position


def grant(source: UUID, account: UUID, amount: str = "10.00", product: UUID | None = None) -> GrantBalances:
    owner = states.account(account).state.company_uuid
    assert owner is not None
    return GrantBalances(
        uuid4(), "grant", (Source("company", source),), (Destination(owner, account, Decimal(amount), product),)
    )


def key(text: str = "key", fingerprint: str = "body") -> IdempotencyKey:
    return IdempotencyKey("tester", text, fingerprint)


def _end(server_process: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [server_process])


class TestEveryCommand:
    def test_company_commands(self) -> None:
        uuid = uuid4()
        assert types(do(RegisterCompany(uuid, "Acme"))) == ["CompanyRegistered"]
        assert types(do(RenameCompany(uuid, "Acme Ltd"))) == ["CompanyRenamed"]
        funded = do(FundCompany(uuid, Decimal("97.6"), "capital", USD))
        assert funded.events[0].payload["amount"] == "97.60"
        assert types(do(ReverseFunding(funded.position, "mistake", company_uuid=uuid))) == ["FundingReversed"]
        loaded = states.company(uuid)
        assert (loaded.state.name, loaded.state.balance, loaded.version) == ("Acme Ltd", Decimal("0.00"), 4)

    def test_asset_commands(self) -> None:
        uuid, sender, receiver = uuid4(), new_company(), new_company()
        assert types(do(RegisterAsset(uuid, Decimal(1000), sender, receiver, "INV-1", USD))) == ["AssetRegistered"]
        assert types(do(RevalueAsset(uuid, Decimal(900)))) == ["AssetRevalued"]
        funded = do(FundAsset(uuid, Decimal(5), "collected"))
        assert types(funded) == ["AssetFunded"]
        assert types(do(ReverseFunding(funded.position, "mistake", asset_uuid=uuid))) == ["FundingReversed"]
        assert states.asset(uuid).state.value == Decimal("900.00")

    def test_account_commands(self) -> None:
        uuid, owner = uuid4(), new_company("100.00")
        assert types(do(OpenFundingAccount(uuid, owner, "operating"))) == ["FundingAccountOpened"]
        assert types(do(ActivateFundingAccount(uuid))) == ["FundingAccountActivated"]
        granted = do(grant(owner, uuid))
        assert types(granted) == ["BalancesGranted", "FundsDebited", "FundsCredited"]
        paid = do(PayOutFunds(uuid, Decimal(10), "wire"))
        assert types(paid) == ["FundsPaidOut"]
        assert types(do(ReturnPayout(uuid, paid.position, "bounced"))) == ["PayoutReturned"]
        do(PayOutFunds(uuid, Decimal(10), "wire again"))
        assert types(do(CloseFundingAccount(uuid, "done"))) == ["FundingAccountClosed"]

    def test_deal_commands(self) -> None:
        uuid, terms = uuid4(), (DealCompany(new_company(), "debtor"),)
        assert types(do(CreateDeal(uuid, 1, terms))) == ["DealCreated"]
        assert types(do(ActivateDeal(uuid))) == ["DealActivated"]
        assert types(do(UpdateDeal(uuid, 1, terms))) == ["DealUpdated"]
        assert types(do(DeleteDeal(uuid))) == ["DealDeleted"]

    def test_product_commands(self) -> None:
        asset = new_asset()
        command = origination(new_deal(), asset)
        assert types(do(command)) == ["ProductOriginated", "AssetFinanced"]
        paid = do(ApplyPayment(command.product_uuid, Decimal(40), "wire"))
        assert types(paid) == ["PaymentApplied"]
        assert types(do(ReversePayment(command.product_uuid, paid.position, "bounced"))) == ["PaymentReversed"]
        with pytest.raises(WaiverExceedsFees):
            do(WaiveLateFee(command.product_uuid, ONE, "goodwill"))
        written_off = do(WriteOffProduct(command.product_uuid, "insolvent"))
        assert types(written_off) == ["ProductWrittenOff"]
        recovered = do(RecordRecovery(command.product_uuid, ONE, "liquidator"))
        assert types(recovered) == ["RecoveryRecorded"]
        for reverse, position in ((ReverseRecovery, recovered.position), (ReverseWriteOff, written_off.position)):
            assert types(do(reverse(command.product_uuid, position, "in error"))) == [f"{reverse.__name__[7:]}Reversed"]

    def test_events_carry_actor_correlation_causation_and_metadata(self) -> None:
        first = do(RegisterCompany(uuid4(), "Acme"), correlation_id="talk", metadata={"ip": "::1"}).events[0]
        second = do(RegisterCompany(uuid4(), "Acme"), causation=first.position).events[0]
        assert (first.actor, first.correlation_id, first.causation, first.metadata["ip"]) == (
            "tester",
            "talk",
            None,
            "::1",
        )
        assert second.causation == first.position
        assert second.correlation_id


class TestARefusedCommand:
    def test_records_nothing_and_gives_its_figures(self) -> None:
        source = new_company("5.00")
        command = grant(source, new_account(new_company()))
        before = head()
        with pytest.raises(InsufficientFunds) as refused:
            do(command)
        assert (refused.value.available, refused.value.requested) == (Decimal("5.00"), Decimal("10.00"))
        assert head() == before

    def test_a_currency_without_a_minor_unit_is_unknown(self) -> None:
        with pytest.raises(UnknownCurrency, match="XAU"):
            do(FundCompany(new_company(), ONE, "gold", "XAU"))

    def test_a_uuid_that_exists_is_refused(self) -> None:
        uuid = new_company()
        with pytest.raises(AlreadyExists):
            do(RegisterCompany(uuid, "Again"))

    @pytest.mark.parametrize("position", [0, -1, 10**30])
    def test_a_number_that_is_no_position_cannot_be_reversed(self, position: int) -> None:
        with pytest.raises(NothingToReverse):
            do(ReverseFunding(position, "mistake", company_uuid=new_company("1.00")))


class TestAStreamOnlyReadThatMoves:
    """The other one acts after this decision has read the stream, and before it appends."""

    def test_a_deal_that_is_updated_refuses_the_product_decided_under_it(self) -> None:
        deal = new_deal()
        terms = states.deal(deal).state.companies
        command = origination(deal)
        before = head()
        with (
            interfering(f"deal-{deal}", lambda: do(UpdateDeal(deal, 1, terms))) as other,
            pytest.raises(DealNotActive, match="is created"),
        ):
            do(command)
        assert other.reads > 1
        assert head() == before + 1
        assert not states.product(command.product_uuid).state.exists

    def test_an_account_that_is_closed_refuses_the_grant_decided_for_it(self) -> None:
        source, account = new_company("100.00"), new_account(new_company())
        command = grant(source, account)
        with (
            interfering(f"account-{account}", lambda: do(CloseFundingAccount(account, "done"))),
            pytest.raises(AccountNotActive, match="is closed"),
        ):
            do(command)
        assert states.company(source).state.balance == Decimal("100.00")

    def test_a_source_that_is_drawn_on_refuses_the_second_grant(self) -> None:
        source, account = new_company("15.00"), new_account(new_company())
        other_grant = grant(source, account)
        with (
            interfering(f"company-{source}", lambda: do(other_grant)),
            pytest.raises(InsufficientFunds) as refused,
        ):
            do(grant(source, account))
        assert refused.value.available == Decimal("5.00")

    def test_a_product_originated_on_the_same_asset_refuses_the_reversal_of_an_old_ones_payment(self) -> None:
        asset = new_asset()
        paid_off = new_product(asset)
        payment = do(ApplyPayment(paid_off, Decimal(100), "wire"))
        origination_on_it = origination(new_deal(), asset)
        with (
            interfering(f"asset-{asset}", lambda: do(origination_on_it)),
            pytest.raises(AssetAlreadyFinanced),
        ):
            do(ReversePayment(paid_off, payment.position, "bounced"))

    def test_a_refusal_never_rests_on_balances_of_different_times(self) -> None:
        first, second = new_company("10.00"), new_company("10.00")
        account = new_account(new_company())

        def fund_the_first_and_draw_on_the_second() -> None:
            do(FundCompany(first, Decimal(10), "more"))
            do(grant(second, account, "6.00"))

        owner = states.account(account).state.company_uuid
        assert owner is not None
        sources = (Source("company", first), Source("company", second))
        command = GrantBalances(uuid4(), "grant", sources, (Destination(owner, account, Decimal(15)),))
        with interfering(f"company-{first}", fund_the_first_and_draw_on_the_second) as other:
            do(command)  # 10 before and 4 after would be too little; there were 20, then 30, then 24
        assert not other.errors
        assert states.company(first).state.balance == Decimal("5.00")

    @pytest.mark.parametrize("kind", ["account", "asset", "deal", "grant"])
    def test_a_decision_that_is_still_valid_is_made_again_and_recorded(self, kind: str) -> None:
        company = new_company("100.00")
        product = new_product(company_uuid=company)
        moved, act, command = self._case(kind, company, product)
        with interfering(moved, act) as other:
            do(command)
        assert other.reads == 2
        assert not other.errors

    @staticmethod
    def _case(kind: str, company: UUID, product: UUID) -> tuple[str, Callable[[], object], Command]:
        rename = partial(do, RenameCompany(company, "Renamed"))
        match kind:
            case "account":
                return f"company-{company}", rename, OpenFundingAccount(uuid4(), company, "operating")
            case "asset":
                command = RegisterAsset(uuid4(), ONE, company, new_company(), "INV", USD)
                return f"company-{company}", rename, command
            case "deal":
                return f"company-{company}", rename, CreateDeal(uuid4(), 2, (DealCompany(company, "buyer"),))
            case _:
                pay = partial(do, ApplyPayment(product, ONE, "wire"))
                return f"product-{product}", pay, grant(company, new_account(company), product=product)


class TestTheLastAttempt:
    def test_holds_the_append_lock_so_that_a_command_that_loses_every_race_gets_its_turn(
        self, settings: Settings
    ) -> None:
        settings.COMMAND_MAX_ATTEMPTS = 3
        company = new_company()
        rename = partial(do, RenameCompany(company, "Renamed by the other"))
        with interfering(f"company-{company}", rename, times=99) as other:
            appended = do(RenameCompany(company, "Renamed at last"))
        assert other.reads == 3
        assert not other.errors
        # Two times the other one was faster; the third time it had to wait.
        assert appended.events[0].version == 4
        assert states.company(company).version == 5

    def test_is_the_first_if_only_one_attempt_is_allowed(self, settings: Settings) -> None:
        settings.COMMAND_MAX_ATTEMPTS = 1
        company = new_company()
        with interfering(f"company-{company}", partial(do, RenameCompany(company, "Other"))) as other:
            assert do(RenameCompany(company, "First")).events[0].version == 2
        assert other.reads == 1
        assert states.company(company).state.name == "Other"

    def test_a_refusal_within_it_records_nothing_and_leaves_the_connection_usable(self, settings: Settings) -> None:
        settings.COMMAND_MAX_ATTEMPTS = 1
        company = new_company()
        with pytest.raises(AlreadyExists):
            do(RegisterCompany(company, "Again"))
        assert do(RenameCompany(company, "Usable")).events[0].version == 2

    @pytest.mark.parametrize("committed", [True, False])
    def test_a_commit_whose_answer_is_lost_is_looked_up_or_its_outcome_is_unknown(
        self, committed: bool, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if database.vendor != "postgresql":
            pytest.skip("SQLite has no connection to lose")
        settings.COMMAND_MAX_ATTEMPTS = 1
        company, commit = new_company(), getattr(connection, "_commit")  # noqa: B009 - not in the stubs

        def losing() -> None:
            monkeypatch.setattr(connection, "_commit", commit)
            if committed:
                commit()
            with connection.wrap_database_errors:
                connection.connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

        monkeypatch.setattr(connection, "_commit", losing)
        with nullcontext() if committed else pytest.raises(OutcomeUnknown):
            assert do(RenameCompany(company, "Renamed")).events[0].version == 2
        assert states.company(company).version == (2 if committed else 1)

    def test_only_a_lost_race_is_tried_again(self, database: Database) -> None:
        if database.vendor != "postgresql":
            pytest.skip("SQLite has no connection to lose")
        company = new_company()
        server_process = connection.connection.info.backend_pid
        with (
            interfering(f"company-{company}", partial(_end, server_process)) as other,
            pytest.raises(OutcomeUnknown),
        ):
            do(RenameCompany(company, "Renamed"))
        assert not other.errors
        assert states.company(company).version == 1


class TestAnIdempotencyKey:
    def test_repeated_answers_as_the_first_time_and_records_nothing(self) -> None:
        command = FundCompany(new_company(), ONE, "capital", USD)
        first = do(command, key=key())
        before = head()
        again = do(command, key=key())
        assert (contents_of(again), again.repeated, first.repeated) == (contents_of(first), True, False)
        assert head() == before

    def test_repeated_answers_as_the_first_time_even_if_the_rules_refuse_it_now(self) -> None:
        command = RegisterCompany(uuid4(), "Acme")
        first = do(command, key=key())
        again = do(command, key=key())
        assert (contents_of(again), again.repeated) == (contents_of(first), True)

    def test_with_another_body_is_refused(self) -> None:
        company = new_company()
        do(FundCompany(company, ONE, "capital", USD), key=key())
        before = head()
        with pytest.raises(IdempotencyKeyReused):
            do(FundCompany(company, Decimal(2), "capital", USD), key=key(fingerprint="another body"))
        with pytest.raises(IdempotencyKeyReused):
            do(RegisterCompany(company, "Again"), key=key(fingerprint="another command"))
        assert head() == before

    def test_of_a_refused_command_is_not_kept(self) -> None:
        company = uuid4()
        with pytest.raises(Refusal):
            do(FundCompany(company, ONE, "capital", USD), key=key())
        do(RegisterCompany(company, "Acme"))
        assert not do(FundCompany(company, ONE, "capital", USD), key=key()).repeated

    @pytest.mark.parametrize("command", [FundCompany, RegisterCompany])
    def test_used_by_many_at_once_records_once_and_gives_all_the_same_answer(self, command: type) -> None:
        company = new_company()
        twin: Command = (
            FundCompany(company, ONE, "capital", USD) if command is FundCompany else RegisterCompany(uuid4(), "Acme")
        )
        before = head()
        answers = together(*[partial(do, twin, key=key())] * 8)
        assert head() == before + 1
        assert {answer.position if isinstance(answer, Appended) else answer for answer in answers} == {head()}
        assert sum(not answer.repeated for answer in answers if isinstance(answer, Appended)) == 1

    def test_never_gets_a_refusal_that_its_own_success_caused(self) -> None:
        source, account = new_company("10.00"), new_account(new_company())
        command = grant(source, account)
        with interfering(f"company-{source}", partial(do, command, key=key())) as twin:
            answer = do(command, key=key())
        assert not twin.errors
        assert answer.repeated
        assert states.company(source).state.balance == 0
