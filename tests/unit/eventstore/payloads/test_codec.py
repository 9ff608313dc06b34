"""The codec writes and reads each type of value, and refuses wrong values in both directions."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from eventstore.payloads.codec import Codec

UUID_1 = UUID("7c9e6679-7425-40de-944b-e07fc1f90ae7")


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    share: Decimal


@dataclass(frozen=True, slots=True)
class Whole:
    amount: Decimal
    uuid: UUID
    day: date
    at: datetime
    number: int
    text: str
    parts: tuple[Part, ...] = ()
    maybe: UUID | None = None


NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
WHOLE = Whole(Decimal("97.60"), UUID_1, date(2026, 1, 2), NOW, 7, "x", (Part("a", Decimal("0.5")),))
STORED = (
    '{"amount":"97.60","uuid":"7c9e6679-7425-40de-944b-e07fc1f90ae7","day":"2026-01-02",'
    '"at":"2026-01-02T03:04:05.678901Z","number":7,"text":"x","parts":[{"name":"a","share":"0.5"}],"maybe":null}'
)


def test_decimals_uuids_dates_and_moments_are_text() -> None:
    assert Codec(Whole).encode(WHOLE) == STORED


def test_a_payload_decodes_to_the_instance_that_was_encoded() -> None:
    assert Codec(Whole).decode(STORED) == WHOLE


def test_the_digits_of_a_decimal_are_kept() -> None:
    codec = Codec(Part)
    assert codec.encode(Part("a", Decimal("97.60"))) == '{"name":"a","share":"97.60"}'
    assert str(codec.decode('{"name":"a","share":"97.600"}').share) == "97.600"


def test_a_moment_of_any_time_zone_is_read_in_utc() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=-8)))
    codec = Codec(Whole)
    whole = Whole(Decimal(1), UUID_1, date(2026, 1, 2), elsewhere, 7, "x")
    assert codec.decode(codec.encode(whole)).at == NOW


@pytest.mark.parametrize(
    "values",
    [
        {"amount": 1.5},
        {"amount": "1.5"},
        {"amount": Decimal("NaN")},
        {"amount": Decimal("Infinity")},
        {"amount": Decimal("1E+3")},
        {"uuid": str(UUID_1)},
        {"day": "2026-01-02"},
        {"at": datetime(2026, 1, 2, 3, 4, 5)},  # noqa: DTZ001 - the test needs a moment without a time zone
        {"number": "7"},
        {"number": True},
        {"number": 7.5},
        {"text": 7},
        {"text": None},
        {"parts": [Part("a", Decimal(1))]},
        {"parts": (Part(1, Decimal(1)),)},  # type: ignore[arg-type] # wrong on purpose
        {"maybe": "x"},
    ],
    ids=str,
)
def test_a_value_of_another_type_is_not_written(values: dict[str, Any]) -> None:
    fields = {field: getattr(WHOLE, field) for field in Whole.__slots__}
    with pytest.raises(ValueError, match=r".+"):
        Codec(Whole).encode(Whole(**{**fields, **values}))


@pytest.mark.parametrize(
    ("stored", "changed", "fault"),
    [
        ('"97.60"', "97.60", "amount: Input should be a valid string"),
        ('"97.60"', '"1e3"', "amount: String should match"),
        ('"97.60"', '"NaN"', "amount: String should match"),
        ('"97.60"', '"٩٧"', "amount: String should match"),
        ('"number":7', '"number":"7"', "number: Input should be a valid integer"),
        ('"number":7', '"number":true', "number: Input should be a valid integer"),
        ('"number":7', '"number":7,"more":1', "more: Unexpected keyword argument"),
        ('"number":7,', "", "number: Field required"),
        ('"2026-01-02"', '"2026-02-30"', "day: Input should be a valid date"),
        ("05.678901Z", "05.678901", "at: Input should have timezone info"),
        ('"share":"0.5"', '"share":0.5', "parts.0.share: Input should be a valid string"),
        ('{"amount"', '["amount"', "Invalid JSON"),
    ],
)
def test_a_stored_payload_of_another_shape_is_not_read(stored: str, changed: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        Codec(Whole).decode(STORED.replace(stored, changed, 1))


def test_a_field_without_a_stored_form_is_refused_when_the_class_is_registered() -> None:
    @dataclass(frozen=True, slots=True)
    class Odd:
        ratio: float

    with pytest.raises(TypeError, match="<class 'float'> cannot be stored"):
        Codec(Odd)
