"""Every projector of the code."""

from typing import Final

from projectors.aging import Aging
from projectors.balances import Balances
from projectors.daily_activity import DailyActivities
from projectors.directory import Directory
from projectors.financial_products import FinancialProducts
from projectors.journal import Journal
from projectors.projector import Projector

PROJECTORS: Final[tuple[Projector, ...]] = (
    Directory(),
    Balances(),
    FinancialProducts(),
    Journal(),
    Aging(),
    DailyActivities(),
)
