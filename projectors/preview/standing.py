"""How a company, an asset, a funding account, a deal or a product stands: the figures that people look at."""

from decimal import Decimal
from typing import Any

from ledger import states
from ledger.rules.aggregates.deal import PRODUCT_LINES
from projectors.explain.words import amount_text


def figures(category: str, state: Any) -> dict[str, Decimal | str]:
    """Return the figures of a state by their names; none for a category that has none."""
    match category:
        case "company":
            return {"name": state.name, "balance": state.balance}
        case "asset":
            return {"value": state.value, "balance": state.balance}
        case "account":
            return {"status": state.status, "balance": state.balance}
        case "deal":
            return {"status": state.status}
        case "product":
            return {
                "principal outstanding": state.principal_outstanding,
                "fees outstanding": state.fees_outstanding,
                "owed": state.principal_outstanding + state.fees_outstanding,
                "written off": state.written_off,
                "recovered": state.recovered,
                "status": state.status.replace("_", " "),
            }
        case _:
            return {}


def about(category: str, state: Any) -> str:
    """Return in a few words how it stands now."""
    known = {name: _text(figure, state) for name, figure in figures(category, state).items()}
    match category:
        case "company":
            return f"balance {known['balance']}"
        case "asset":
            return f"worth {known['value']}, balance {known['balance']}"
        case "account":
            owner = states.company(state.company_uuid).state.name
            return f"of {owner}, {known['status']}, balance {known['balance']}"
        case "deal":
            return f"{PRODUCT_LINES[state.product_line_id]}, {known['status']}"
        case _:
            return f"due {state.due_date}, {known['status']}, owes {known['owed']}"


def _text(figure: Decimal | str, state: Any) -> str:
    if isinstance(figure, str):
        return figure
    currency = state.currency
    return f"{amount_text(figure)} {currency}" if currency else amount_text(figure)
