"""Input that is wrong by chance: JSON whose values and members are changed, and bytes that are changed anywhere."""

import json
from collections.abc import Iterator
from random import Random
from typing import Any, Final

NASTY: Final = (
    "null", "true", "false", "0", "-1", "-0", "1", "3", "2", "4", "5.5", "1e400", "1E2", "NaN", "Infinity", "-Infinity",
    str(2**31), str(2**63), str(-(2**63)), str(10**19), "9" * 30, '""', '" "', '"0"', '"-0"', '"-1.00"', '"1.0"',
    '"1.005"', '"0.00000001"', '"1e3"', '"NaN"', '"+1"', '".5"', '"1."', '"01.00"', '"1_000"', '"1,000.00"',
    '"１２.００"', '"٣"', f'"{"9" * 18}.99"', f'"{"9" * 40}"', f'"0.{"0" * 40}1"', '"\\u0000"', '"a\\u0000b"',
    '"\\ud800"', '"\\udc00\\ud800"', '"\\u202e evil"', '"\\u200b"', '"\\ufeff"', '"e\\u0301"', '"ﬁ"', '"\\n"',
    '"\\t x"',
    '"💥"', f'"{"x" * 201}"', f'"{"x" * 3000}"', '"seller"', '"USD"', '"usd"', '"XXX"', '"JPY"', '"KWD"', '"US"',
    '"asset"', '"company"', '"account"', '"00000000-0000-0000-0000-000000000000"',
    '"5E11E700-0000-4000-8000-000000000001"', '"5e11e700-0000-4000-8000-000000000001"',
    '"5e11e70000004000800000000001"',
    '"{5e11e700-0000-4000-8000-000000000001}"', '"urn:uuid:5e11e700-0000-4000-8000-000000000001"', '"2026-02-30"',
    '"0000-01-01"', '"0001-01-01"', '"9999-12-31"', '"2026-1-1"', '"20260101"', '"2026-01-01T00:00:00Z"',
    '"2026-W01-1"', '"01/02/2026"', "[]", "{}", "[[]]", '{"a":1}', '["x"]', "[null]", '{"company_uuid":null}',
    '{"":0}', "[" * 20 + "]" * 20, "[" * 3000 + "]" * 3000, '{"a":1,"a":2}', '{"__proto__":{}}', "-", "'", "",
)  # fmt: skip
"""JSON texts that were or could be read wrongly somewhere, and texts that are no JSON."""


class Token(str):
    """A text that stands for itself in JSON."""

    __slots__ = ()


def text_of(value: Any) -> str:
    """Return JSON; a Token is put in as it is, and a pair in a list of pairs is a member that may come twice."""
    match value:
        case Token():
            return str(value)
        case dict():
            return "{" + ",".join(f"{json.dumps(name)}:{text_of(member)}" for name, member in value.items()) + "}"
        case list():
            return "[" + ",".join(map(text_of, value)) + "]"
        case _:
            return json.dumps(value)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each container below a value, and each key or index of it."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in items:
        yield value, key
        yield from places(member)


def changed_json(value: Any, chance: Random) -> bytes:
    """Return the JSON text of a value that is changed in one to three places; sometimes its bytes are changed too."""
    copy = json.loads(json.dumps(value))
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        found = list(places(copy))
        if not found:
            break
        container, key = chance.choice(found)
        _change(container, key, chance)
    content = text_of(copy).encode("utf-8", "surrogatepass")
    return changed_bytes(content, chance) if chance.random() < 0.1 else content


def _change(container: Any, key: Any, chance: Random) -> None:
    kind = chance.random()
    if kind < 0.7:
        container[key] = Token(chance.choice(NASTY))
    elif kind < 0.8:
        del container[key]
    elif isinstance(container, list):
        container.append(container[key])
    elif kind < 0.9:
        container[chance.choice(("extra", "", "é", "x" * 250, key.upper(), f"{key} "))] = container[key]
    else:
        other = chance.choice(list(container))
        container[key], container[other] = container[other], container[key]


def changed_bytes(content: bytes, chance: Random) -> bytes:
    """Return bytes of which a few are changed, removed, doubled, or cut off."""
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 5))):
        place = chance.randrange(len(changed) + 1)
        match chance.randrange(5):
            case 0 if place < len(changed):
                changed[place] = chance.randrange(256)
            case 1:
                changed[place:place] = chance.choice(
                    (b"\x00", b"\xff", b'"', b"\\", b",", b";", b"\r", b"\n", b"\xef\xbb\xbf")
                )
            case 2:
                del changed[place : place + chance.randint(1, 20)]
            case 3:
                changed[place:place] = changed[place : place + chance.randint(1, 40)]
            case _ if chance.random() < 0.3:
                del changed[place:]
    return bytes(changed)
