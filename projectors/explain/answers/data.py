"""An explanation as data, the same for the API and for `manage.py explain --json`."""

import dataclasses
from typing import Any, Final

from projectors.explain.answers.subject import Explanation, sentence
from projectors.explain.event import name_of
from projectors.explain.figures import Proof
from projectors.explain.moment import Moment

NAME_OF: Final = {"product": "reference", "company": "name", "asset": "reference", "account": "label"}
"""By category: what the field is called that holds the name of the entity."""


def answer(explained: Explanation, at: Moment) -> dict[str, Any]:
    """Return an explanation as values of the ledger, by the names of their fields."""
    equation = explained.equation
    status = getattr(explained.state, "status", None)
    return {
        f"{explained.category}_uuid": explained.uuid,
        NAME_OF[explained.category]: name_of(explained.state),
        **({} if status is None else {"status": status}),
        "figure": equation.name,
        "total": equation.total,
        "currency": equation.unit or None,
        "sentence": sentence(explained, at),
        "position": explained.cut.position,
        "until": explained.cut.until,
        "business_date": at.business_date,
        "known": at.known,
        "order": explained.order,
        "terms": equation.terms,
        "parts": explained.parts,
        "rows": explained.rows,
        "proof": proof_answer(explained.proof),
    }


def proof_answer(proof: Proof) -> dict[str, Any]:
    """Return a proof as data, with its verdict."""
    return {
        **{field.name: getattr(proof, field.name) for field in dataclasses.fields(proof)},
        "agrees": proof.agrees,
        "is_complete": proof.is_complete,
    }
