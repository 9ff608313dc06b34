"""Checks that an event is in a ledger's seal: `python3 verify_proof.py PROOF --root CHAIN --key PUBLIC_KEY`.

It needs Python alone: neither Daybook nor its database nor a network. PROOF is a file of `manage.py prove`; CHAIN is
the chain of the day's seal as it was published, and PUBLIC_KEY the ledger's published key.
"""

import argparse
import json
import sys
from hashlib import sha256, sha512
from pathlib import Path
from typing import Any

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int]


def point(encoded: bytes) -> Point:
    """Return the point of the curve of Ed25519 that 32 bytes encode (RFC 8032, 5.1.3)."""
    number = int.from_bytes(encoded, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    squared = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(squared, (P + 3) // 8, P)
    x = x if x * x % P == squared else x * pow(2, (P - 1) // 4, P) % P
    if y >= P or x * x % P != squared or (x == 0 and sign) or len(encoded) != 32:
        raise ValueError("a key or a signature is not of Ed25519")
    return (x if x & 1 == sign else P - x), y


def add(one: Point, other: Point) -> Point:
    """Return the sum of two points."""
    (x1, y1), (x2, y2) = one, other
    t = D * x1 * x2 * y1 * y2 % P
    return (x1 * y2 + x2 * y1) * pow(1 + t, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - t, -1, P) % P


def times(number: int, one: Point) -> Point:
    """Return a multiple of a point."""
    total = (0, 1)
    while number:
        total, one, number = add(total, one) if number & 1 else total, add(one, one), number >> 1
    return total


def is_signed(message: bytes, key: bytes, signature: bytes) -> bool:
    """Return whether a signature is that of a message by the holder of a key (RFC 8032, 5.1.7)."""
    challenge = int.from_bytes(sha512(signature[:32] + key + message).digest(), "little") % L
    answer = int.from_bytes(signature[32:], "little")
    base = point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
    right = add(point(signature[:32]), times(challenge, point(key)))
    return len(signature) == 64 and answer < L and times(answer, base) == right


def root_of(leaf: bytes, index: int, size: int, path: list[bytes]) -> str:
    """Return the root of the tree of so many leaves that has the leaf at an index (RFC 9162, 2.1.3.2)."""
    last = size - 1
    for beside in path:
        if index & 1 or index == last:
            leaf = sha256(b"\x01" + beside + leaf).digest()
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            leaf = sha256(b"\x01" + leaf + beside).digest()
        index, last = index >> 1, last >> 1
    if last:
        raise ValueError("the path does not end at the root")
    return leaf.hex()


def fault(proof: dict[str, Any], chain: str, key: str) -> str | None:
    """Return what is wrong with a proof, or None."""
    event, statement = json.loads(proof["event"]), json.loads(proof["statement"])
    first, size = statement["first_position"], statement["events"]
    index, path = event["position"] - first, [bytes.fromhex(one) for one in proof["path"]]
    leaf, signature = sha256(b"\x00" + proof["event"].encode()).digest(), bytes.fromhex(proof["signature"])
    if not 0 <= index < size or size != statement["last_position"] - first + 1:
        return "the event is not one of those that the seal covers"
    if root_of(leaf, index, size, path) != statement["root"]:
        return "the event was changed, or is not in the tree of its day"
    if sha256(proof["statement"].encode()).hexdigest() != chain:
        return "the seal is not the one that was published"
    try:
        signed = is_signed(proof["statement"].encode(), bytes.fromhex(key), signature)
    except ValueError as error:
        return str(error)
    return None if signed else "the seal is not signed with the published key"


def published(text: str) -> str:
    """Return a chain or a key as the ledger writes it, however it was typed."""
    digits = text.strip().lower()
    if len(digits) != 64 or set(digits) - set("0123456789abcdef"):
        raise argparse.ArgumentTypeError("it must be 64 hexadecimal digits, as they were published")
    return digits


def main() -> None:
    """Check a proof; exit with 0 if the event is proven, with 1 if it is not, and with 2 if an option is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("proof", help="a file of `manage.py prove`")
    parser.add_argument("--root", required=True, type=published, help="the published chain of the seal")
    parser.add_argument("--key", required=True, type=published, help="the published public key")
    given = parser.parse_args()
    try:
        text = Path(given.proof).read_bytes()
    except OSError as error:
        sys.exit(f"{given.proof} cannot be read: {error.strerror}")
    try:
        proof = json.loads(text)
        found = fault(proof, given.root, given.key)
        event, statement = json.loads(proof["event"]), json.loads(proof["statement"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        sys.exit("NOT PROVEN: the file is not a proof that `manage.py prove` has written, or it was damaged")
    if found:
        sys.exit(f"NOT PROVEN: {found}")
    which = f"{event['type']} at position {event['position']}, recorded at {event['recorded_at']}"
    sys.stdout.write(f"PROVEN: {which}, is in the seal of {statement['sealed_date']}\n{proof['event']}\n")


if __name__ == "__main__":
    main()
