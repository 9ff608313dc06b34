"""Keeps the rankings of customers of a log whose read models were copied by SQL: at each place, of the lines."""

from collections.abc import Iterable


def main() -> None:
    """Keep them in the order of positions, as the projector does."""
    import django

    django.setup()
    from django.db.models import Max

    from projectors.customers import rankings
    from projectors.models import CustomerLine
    from projectors.queries.customer_sums import Moment, customer_sums
    from projectors.queries.live import live, position_of

    class Past(rankings.Rankings):
        """The rankings of a position in the past: its sums are those of the lines."""

        def in_order(self, by: str, through: int) -> Iterable[rankings.Ranked]:
            """Return the first customers of all."""
            for row in customer_sums(Moment(through), by=by, limit=rankings.MOST):
                customer = (row.company_uuid.hex, row.currency, row.minor_digits)
                yield rankings.Ranked(-getattr(row, by), customer)

    newest = live(CustomerLine).order_by("-position").first()
    if newest is None:
        return
    past = Past(newest.generation, "default")
    last = 0
    for through in range(rankings.EVERY, position_of(CustomerLine), rankings.EVERY):
        changed = live(CustomerLine).filter(position__lte=through).aggregate(Max("position"))["position__max"] or 0
        if changed > last:
            past.keep(through)
        last = changed


if __name__ == "__main__":
    main()
