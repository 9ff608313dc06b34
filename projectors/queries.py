"""What read models are asked: the rows of the generation that answers, and sums over them."""

from datetime import date
from typing import Final, NamedTuple, TypeVar
from uuid import UUID

from django.conf import settings
from django.db.models import Model, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Concat

from eventstore.models import Checkpoint
from projectors.models import AgingBucket, DealCompany, JournalLine
from projectors.projectors import PROJECTORS

M = TypeVar("M", bound=Model)

_PROJECTOR_OF: Final[dict[type[Model], str]] = {
    table: projector.name for projector in PROJECTORS for table in projector.tables
}


BUCKETS: Final[tuple[str, ...]] = tuple(AgingBucket.Bucket.values)
"""Of days past due, from none to over ninety."""


class TrialBalanceLine(NamedTuple):
    """What an account comes to in a currency, in minor units."""

    account: str
    currency: str
    minor_digits: int
    debit: int
    credit: int


def projector_of(model: type[Model]) -> str:
    """Return the name of the projector that keeps a table."""
    return _PROJECTOR_OF[model]


def live(model: type[M]) -> QuerySet[M]:
    """Return the rows that answer queries: one statement sees one generation. See Note [Generations]."""
    return model._default_manager.using(settings.READ_DATABASE).filter(generation=_generation(model))  # noqa: SLF001 - Django's own name


def only(rows: QuerySet[M], column: str, value: str, *, led: bool) -> QuerySet[M]:
    """Return the rows with a value that many have; where another filter leads, without the index of this one."""
    if not led:
        return rows.filter(**{column: value})
    # What is an expression has no index, whatever the planner thinks of it.
    found: QuerySet[M] = rows.alias(**{f"{column}_as_text": Concat(column, Value(""))})
    return found.filter(**{f"{column}_as_text": value})


def _generation(model: type[Model]) -> Subquery:
    checkpoint = Checkpoint.objects.using(settings.READ_DATABASE).filter(name=projector_of(model))
    return Subquery(checkpoint.values("generation"))


def position_of(model: type[Model]) -> int:
    """Return the position that a table reflects; 0 where its projector never ran."""
    checkpoint = Checkpoint.objects.using(settings.READ_DATABASE).filter(name=projector_of(model))
    return checkpoint.values_list("position", flat=True).first() or 0


def deals_of(company_uuid: UUID) -> QuerySet[DealCompany, UUID]:
    """Return the deals that a company plays a role in."""
    return live(DealCompany).filter(company_uuid=company_uuid).values_list("deal_uuid", flat=True)


def trial_balance(as_of: int | None = None) -> list[TrialBalanceLine]:
    """Return the sums of the journal by account and currency, up to a position where one is given."""
    lines = live(JournalLine)
    if as_of is not None:
        lines = lines.filter(position__lte=as_of)
    sums = (
        lines.values("account", "currency", "minor_digits")
        .annotate(debits=Sum("debit"), credits=Sum("credit"))
        .order_by("account", "currency")
    )
    return [
        TrialBalanceLine(s["account"], s["currency"], s["minor_digits"], int(s["debits"]), int(s["credits"]))
        for s in sums
    ]


def aging(business_date: date) -> list[AgingBucket]:
    """Return what was owed as a business date began, by currency and by how long it was past due."""
    rows = live(AgingBucket).filter(business_date=business_date)
    return sorted(rows, key=lambda row: (row.currency, BUCKETS.index(row.bucket)))
