"""The catalogue of the projectors that the code has."""

from typing import Final

from eventstore.consumers.definitions import Projector
from projectors.aging import Aging
from projectors.balances import Balances
from projectors.customers.projector import Customers
from projectors.daily_activity import DailyActivities
from projectors.directory import Directory
from projectors.financial_products import FinancialProducts
from projectors.journal import Journal
from projectors.late_activity import LateActivities
from projectors.search import Search

PROJECTORS: Final[tuple[Projector, ...]] = (
    Directory(),
    Balances(),
    FinancialProducts(),
    Journal(),
    Aging(),
    DailyActivities(),
    Search(),
    LateActivities(),
    Customers(),
)
