"""The proof that an event is in its seal, as a file for tools/verify_proof.py."""

import json
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from processmanagers.proofs import NotSealed, prove
from web.books.frame import Frame, NotFound, heavy, page_with_slots_of_its_own

_SECONDS: Final = 600
"""How long the tree of a day may take; a client that is refused a slot reads this."""


@page_with_slots_of_its_own
def seal_proof(request: HttpRequest, _frame: Frame, position: int) -> HttpResponseBase:
    """Send the proof of one event."""
    with heavy(request, _SECONDS):
        try:
            proof = prove(position)
        except NotSealed as refused:
            raise NotFound(f"There is no proof: {refused}.") from refused
    response = HttpResponse(json.dumps(proof, indent=1, ensure_ascii=False), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="proof-{position}.json"'
    return response
