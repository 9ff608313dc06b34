"""A sample is drawn again for ever, and each member has the same chance."""

from collections import Counter, defaultdict
from hashlib import sha256

import pytest

from eventstore import store
from eventstore.consumers.loop import catch_up
from projectors import journal
from projectors.audit import sample as sampling
from projectors.audit.sample import KINDS, Member, Sample, sample
from projectors.audit.sampled import sampled_rows
from projectors.models import JournalLine
from tests.integration.books.conftest import Reader
from tests.support.databases import Database
from tests.support.ledger.book import Product
from tests.support.ledger.portfolio import new_company


def everything(kind: str, position: int) -> set[Member]:
    if kind == "lines":
        return set(JournalLine.objects.filter(position__lte=position).values_list("position", "line"))
    events = (
        event for event in store.read_all(up_to=position) if kind == "events" or event.type == "ProductOriginated"
    )
    return {(event.position, 0) for event in events}


@pytest.mark.parametrize("few", [sampling.FEW, 0], ids=["ranked", "drawn"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("history")
def test_a_sample_is_the_same_after_more_is_recorded(kind: str, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "FEW", few)
    position = store.head().position - 20
    before = sample(kind, "audit", 5, position)
    assert before.is_ranked == bool(few)
    assert len(set(before.members)) == 5
    assert set(before.members) <= everything(kind, position)
    new_company("5.00")
    catch_up()
    assert sample(kind, "audit", 5, position) == before
    assert sample(kind, "audit", 3, position).members == before.members[:3]
    assert {sample(kind, "other", 5, position).members, sample(kind, "audit", 5, position - 1).members} - {
        before.members
    }
    assert len(list(sampled_rows(before))) == 5
    assert len(list(sampled_rows(before, 2))) == 2


@pytest.mark.parametrize("few", [sampling.FEW, 0], ids=["ranked", "drawn"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("history")
def test_every_member_is_drawn_if_as_many_are_wanted(kind: str, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "FEW", few)
    monkeypatch.setattr(sampling, "MOST_DRAWS", 30_000)
    position = store.head().position
    whole = everything(kind, position)
    drawn = sample(kind, "audit", 10_000, position)
    assert len(drawn.members) == len(whole)
    assert set(drawn.members) == whole


@pytest.mark.one_database
@pytest.mark.usefixtures("history")
def test_the_method_is_the_one_that_the_page_states(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "FEW", 0)
    position = store.head().position
    drawn = [int(sha256(f"audit/events/{position}/{i}".encode()).hexdigest(), 16) % position + 1 for i in (1, 2, 3)]
    assert sample("events", "audit", 3, position).members == tuple((one, 0) for one in dict.fromkeys(drawn))
    monkeypatch.setattr(sampling, "FEW", 20_000)
    ranked = sorted(
        range(1, position + 1), key=lambda one: sha256(f"audit/events/{position}/{one}".encode()).hexdigest()
    )
    assert sample("events", "audit", 3, position).members == tuple((one, 0) for one in ranked[:3])


@pytest.mark.usefixtures("history")
def test_lines_have_the_same_chance_whatever_the_number_of_lines_of_their_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sampling, "FEW", 0)
    position = store.head().position
    members = everything("lines", position)
    counted = Counter(member for seed in range(60) for member in sample("lines", str(seed), 20, position).members)
    per_event = Counter(place for place, _ in members)
    of_two = [counted[member] for member in members if per_event[member[0]] == 2]
    of_more = [counted[member] for member in members if per_event[member[0]] > 2]
    expected = 60 * 20 / len(members)
    for counts in (of_two, of_more):
        assert not counts or abs(sum(counts) / len(counts) - expected) < expected / 2


def test_no_event_has_more_lines_than_draws_are_made_for() -> None:
    payload: dict[str, str] = defaultdict(lambda: "1.00")
    lines = [len(list(sides("product", "a uuid", payload))) for sides in journal._ENTRIES.values()]
    assert max(lines) == sampling.MOST_LINES_OF_AN_EVENT


def test_the_page_names_its_position_and_method_and_its_csv_has_the_rows(reader: Reader, invoice: Product) -> None:
    head = store.head().position
    moved = reader.get("/books/sample", seed="audit 2026", kind="products", n="5")
    assert moved["Location"] == f"/books/sample?kind=products&seed=audit+2026&n=5&as_of={head}"
    page = reader.text(moved["Location"])
    assert f"audit 2026/products/{head}/position" in page
    assert f"/books/invoices/{invoice.uuid}?as_of={head}" in page
    for kind in KINDS:
        response = reader.get("/books/sample", seed="audit", kind=kind, as_of=str(head), format="csv")
        assert f"sample-of-25-{kind}-seed-audit" in response["Content-Disposition"]
        lines = b"".join(response.streaming_content).decode().splitlines()
        drawn = sample(kind, "audit", 25, head)
        assert [int(line.split(",")[0]) for line in lines[1:]] == [position for position, _ in drawn.members]
    assert "Name a seed" in reader.text("/books/sample")


@pytest.mark.one_database
@pytest.mark.parametrize(
    "parameters",
    [
        {"kind": "cats", "seed": "a"},
        {"n": "0", "seed": "a"},
        {"n": "1001", "seed": "a"},
        {"n": "x"},
        {"seed": "a" * 101},
        {"seed": "a", "as_of": "2012-03-13"},
        {"seed": "a", "as_of": "99999"},
    ],
)
def test_a_sample_that_cannot_be_is_refused(reader: Reader, invoice: Product, parameters: dict[str, str]) -> None:
    assert reader.get("/books/sample", **parameters).status_code == 400


def test_the_sample_of_an_empty_ledger_is_empty(database: Database, reader: Reader) -> None:
    assert sample("products", "audit", 5, 0) == Sample(
        "products", "audit", 0, (), is_ranked=True, population=0, draws=0
    )
    assert "Name a seed" in reader.text("/books/sample", seed="a")


def test_a_sample_of_a_date_as_known_then_leads_to_its_position_also_as_a_file(
    reader: Reader, invoice: Product
) -> None:
    head = store.head().position
    last = max(event.data.new_date for event in store.read_all(types=["SystemCycled"]))
    for moment in ({}, {"as_of": str(last), "known": "then"}):
        led = reader.get("/books/sample", seed="a", n="5", format="csv", **moment)
        assert led["Location"] == f"/books/sample?kind=products&seed=a&n=5&format=csv&as_of={head}"
