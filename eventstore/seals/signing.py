"""Ed25519 signatures of seals; keys and signatures are hexadecimal."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


def public_key_of(private_key: str) -> str:
    """Return the public key that belongs to a private one."""
    return _private(private_key).public_key().public_bytes_raw().hex()


def sign(statement: str, private_key: str) -> str:
    """Return the signature of a statement."""
    return _private(private_key).sign(statement.encode()).hex()


def is_signed(statement: str, public_key: str, signature: str) -> bool:
    """Return whether a signature is that of a statement by the holder of a key."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(
            bytes.fromhex(signature), statement.encode()
        )
    except (InvalidSignature, ValueError):
        return False
    return True


def _private(private_key: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(private_key))
