"""Responses whose body is JSON."""

import json
from typing import Any

from django.http import HttpResponse

from eventstore.json_values import to_json


def json_response(content: dict[str, Any] | list[dict[str, Any]]) -> HttpResponse:
    """Return a response whose body is the content as JSON."""
    return raw_json_response(json.dumps(to_json(content)))


def raw_json_response(content: str) -> HttpResponse:
    """Return a response whose body is JSON already."""
    return HttpResponse(content, content_type="application/json")
