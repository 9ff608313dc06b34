"""The tables of the read models, as Django finds them; only its own projector writes to each."""

from projectors.schema.aging import AgingBucket
from projectors.schema.balances import Balance
from projectors.schema.customers import (
    CustomerLine,
    CustomerRanking,
    CustomerSum,
    DueSum,
    LateAging,
    LateOwing,
    LateRecordedFee,
    OwedProduct,
)
from projectors.schema.daily_activity import DailyActivity, LateActivity
from projectors.schema.directory import Company, Deal, DealCompany
from projectors.schema.journal import AccountSum, JournalLine, LateAccountSum
from projectors.schema.products import FinancialProduct
from projectors.schema.search import SearchWord

__all__ = [
    "AccountSum",
    "AgingBucket",
    "Balance",
    "Company",
    "CustomerLine",
    "CustomerRanking",
    "CustomerSum",
    "DailyActivity",
    "Deal",
    "DealCompany",
    "DueSum",
    "FinancialProduct",
    "JournalLine",
    "LateAccountSum",
    "LateActivity",
    "LateAging",
    "LateOwing",
    "LateRecordedFee",
    "OwedProduct",
    "SearchWord",
]
