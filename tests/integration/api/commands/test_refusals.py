"""Each refusal over HTTP: its slug, status and figures, and that nothing is recorded."""

from collections.abc import Iterator

import pytest

from eventstore import store
from ledger.rules import refusals as tree
from ledger.rules.refusals.base import Conflicting, Refusal
from tests.support.api.calling import Api, problem
from tests.support.api.refused import REFUSED
from web.api.problem_pages import KINDS

pytestmark = pytest.mark.one_database

OF_QUERIES = {"date-not-cycled", "position-beyond-head"}
"""Refusals of `?as_of=`."""
OF_COMMAND_LINES = {"too-many-missing-dates", "invalid-input"}
"""Refusals of daily_cycle and of scripts that call the service layer; HTTP checks the form of a body first."""
EVERY_PROBLEM = {"type", "title", "status", "detail"}


def refusals(of: type[Refusal] = Refusal) -> Iterator[type[Refusal]]:
    for cls in of.__subclasses__():
        yield from refusals(cls)
        if "slug" in vars(cls):
            yield cls


BY_SLUG = {cls.slug: cls for cls in refusals()}


@pytest.fixture
def api(shared_api: Api) -> Api:
    return shared_api


def test_every_refusal_has_a_case() -> None:
    assert set(REFUSED) == set(BY_SLUG) - OF_QUERIES - OF_COMMAND_LINES


def test_the_tree_names_every_refusal() -> None:
    assert [cls.__name__ for cls in BY_SLUG.values() if cls.__name__ not in str(tree.__doc__)] == []


@pytest.mark.parametrize("slug", REFUSED)
def test_a_refusal_has_its_figures_and_remedy_and_records_nothing(slug: str, api: Api) -> None:
    refused = REFUSED[slug]()
    before = store.head().position
    response = api.command(refused.command, refused.body)
    body = problem(response, 409 if issubclass(BY_SLUG[slug], Conflicting) else 422, slug)
    at = body.pop("errors", None)
    assert {name: value for name, value in body.items() if name not in EVERY_PROBLEM} == refused.figures
    assert (None if at is None else [fault["pointer"] for fault in at]) == (
        None if refused.pointer is None else [refused.pointer]
    )
    assert set(refused.figures) == set(KINDS[slug].members)
    assert body["title"] == KINDS[slug].title
    assert body["detail"].endswith(f" {KINDS[slug].remedy}")
    assert response["Ledger-Position"] == str(before)
    assert store.head().position == before


@pytest.mark.parametrize("uuid", [None, "00000000-0000-0000-0000-000000000000"])
def test_a_reversal_of_funding_has_exactly_one_target(uuid: str | None, api: Api) -> None:
    body = {"company_uuid": uuid, "asset_uuid": uuid, "position": 1, "reason": "by mistake"}
    problem(api.command("reverse-funding", body), 422, "one-target-required")
