"""Reads the body of a batch: one JSON object with `commands`, or lines of JSON with a command each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest

from ledger.names import COMMANDS
from web.api.commands import is_key
from web.protocol import json_body, problem_kinds
from web.protocol.problems import MAX_FAULTS, Fault, Problem, invalid, too_large
from web.server.body_limits import BATCH_MAX_BYTES

MAX_COMMANDS: Final = 10_000
JSON: Final = "application/json"
LINES: Final = "application/x-ndjson"
_MEMBERS: Final = ("command", "idempotency_key", "body")


@dataclass(frozen=True, slots=True)
class Sent:
    """One command as it was sent; its body is not checked yet, but can be read without loss."""

    name: str
    key: str
    body: dict[str, Any]


def read(request: HttpRequest) -> list[Sent]:
    """Return the commands of the request's body; raises Problem, and then nothing of the batch was looked at."""
    content = request.read(BATCH_MAX_BYTES + 1)
    if len(content) > BATCH_MAX_BYTES:
        raise too_large(BATCH_MAX_BYTES)
    match request.content_type:
        case "application/json":
            commands, place = _in_object(json_body.parsed(content)), "/commands"
        case "application/x-ndjson":
            commands, place = list(_in_lines(content)), ""
        case other:
            detail = f"The Content-Type is {other or 'missing'}. Send the body as {JSON} or {LINES}."
            raise Problem(problem_kinds.NOT_JSON, detail)
    if not 0 < len(commands) <= MAX_COMMANDS:
        raise invalid(Fault(place, f"must have from 1 to {MAX_COMMANDS} commands"))
    faults = list(_faults(commands, place))[:MAX_FAULTS]
    if faults:
        raise invalid(*faults)
    return [Sent(one["command"], one["idempotency_key"], one["body"]) for one in commands]


def _in_object(parsed: Any) -> Sequence[Any]:
    if not isinstance(parsed, dict):
        raise invalid(Fault("", "must be an object"))
    if unknown := sorted(parsed.keys() - {"commands"}):
        raise invalid(*(Fault(f"/{name}", "unknown field") for name in unknown))
    commands = parsed.get("commands")
    if not isinstance(commands, list):
        raise invalid(Fault("/commands", "must be a list" if "commands" in parsed else "is required"))
    return commands


def _in_lines(content: bytes) -> Iterator[Any]:
    for number, line in enumerate(content.split(b"\n"), start=1):
        if line.strip():
            try:
                yield json_body.parsed(line)
            except Problem as problem:
                raise Problem(problem.kind, f"Line {number}: {problem.detail}", errors=problem.errors) from problem


def _faults(commands: Sequence[Any], place: str) -> Iterator[Fault]:
    seen: set[tuple[str, str]] = set()
    for index, command in enumerate(commands):
        at = f"{place}/{index}"
        if not isinstance(command, dict):
            yield Fault(at, "must be an object")
            continue
        found = list(_faults_of(command, at))
        yield from found
        if found:
            continue
        named = (command["command"], command["idempotency_key"])
        if named in seen:
            yield Fault(f"{at}/idempotency_key", "must not be given twice for one kind of command")
        seen.add(named)


def _faults_of(command: dict[str, Any], at: str) -> Iterator[Fault]:
    yield from json_body.faults(command, at)
    for name in sorted(command.keys() - set(_MEMBERS)):
        yield Fault(f"{at}/{name[:200]}", "unknown field")
    for name in _MEMBERS:
        if name not in command:
            yield Fault(f"{at}/{name}", "is required")
    if "command" in command and not (isinstance(command["command"], str) and command["command"] in COMMANDS):
        yield Fault(f"{at}/command", "must be the name of a command, such as register-company")
    if "idempotency_key" in command and not is_key(command["idempotency_key"]):
        yield Fault(f"{at}/idempotency_key", problem_kinds.INVALID_KEY.remedy.rstrip("."))
    if "body" in command and not isinstance(command["body"], dict):
        yield Fault(f"{at}/body", "must be an object")
