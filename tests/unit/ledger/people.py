"""The companies, invoices, accounts, deals and products of the examples."""

from datetime import date
from decimal import Decimal
from typing import Final
from uuid import UUID

from ledger.rules.events import (
    AssetFinanced,
    AssetFunded,
    AssetRegistered,
    CompanyFunded,
    CompanyRegistered,
    DealActivated,
    DealCompany,
    DealCreated,
    FundingAccountActivated,
    FundingAccountOpened,
    ProductOriginated,
)
from tests.unit.ledger.given import Recorded, account, asset, company, deal, product

SELLER: Final = UUID(int=1)
CUSTOMER: Final = UUID(int=2)
THIRD: Final = UUID(int=3)
NOBODY: Final = UUID(int=99)
INVOICE: Final = UUID(int=11)
OTHER_INVOICE: Final = UUID(int=12)
ACCOUNT: Final = UUID(int=21)
OTHER_ACCOUNT: Final = UUID(int=22)
DEAL: Final = UUID(int=31)
PRODUCT: Final = UUID(int=41)
OTHER_PRODUCT: Final = UUID(int=42)
GRANT: Final = UUID(int=51)

ROLES: Final = (DealCompany(SELLER, "seller"), DealCompany(CUSTOMER, "debtor"))
COMPANIES: Final = company(SELLER, CompanyRegistered("Seller")) + company(CUSTOMER, CompanyRegistered("Customer"))
THIRD_COMPANY: Final = company(THIRD, CompanyRegistered("Third"))
REGISTERED: Final = AssetRegistered(Decimal("1000.00"), "USD", SELLER, CUSTOMER, "invoice 7")
AN_INVOICE: Final = asset(INVOICE, REGISTERED)
OPENED: Final = account(ACCOUNT, FundingAccountOpened(SELLER, "operating"))
ACTIVE: Final = OPENED + account(ACCOUNT, FundingAccountActivated())
CREATED: Final = deal(DEAL, DealCreated(1, ROLES))
ACTIVE_DEAL: Final = CREATED + deal(DEAL, DealActivated())


def funded_company(amount: str, *, uuid: UUID = SELLER, currency: str = "USD") -> Recorded:
    return company(uuid, CompanyFunded(Decimal(amount), currency, "wire"))


def funded_asset(amount: str, *, uuid: UUID = INVOICE) -> Recorded:
    return asset(uuid, AssetFunded(Decimal(amount), "USD", "collected"))


def originated(principal: str = "800.00", *, uuid: UUID = PRODUCT, asset_uuid: UUID | None = INVOICE) -> Recorded:
    event = ProductOriginated(
        deal_uuid=DEAL,
        asset_uuid=asset_uuid,
        obligor_company_uuid=CUSTOMER,
        principal=Decimal(principal),
        currency="USD",
        due_date=date(2026, 3, 31),
        daily_late_fee_rate=Decimal("0.001"),
        late_fee_payer_role="debtor",
        companies=ROLES,
        reference="product 7",
    )
    if asset_uuid is None:
        return product(uuid, event)
    return product(uuid, event) + asset(asset_uuid, AssetFinanced(uuid, Decimal(principal), "USD"))
