"""Hashes and seals of certificates and of the file of erasures.

A hash is of what anybody may read: who has a certificate can check it. A seal is made with the
hub's ERASURE_KEY: who can write to the database or to the file, and does not have the key, can
make none.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from contacts.erased_names import keyed_hash

_FINGERPRINT_DIGITS = 16


def canonical(content: Mapping[str, Any]) -> bytes:
    """The one way in which `content` is written as JSON: members in order, no spaces, UTF-8."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def hash_of(content: Mapping[str, Any]) -> str:
    """The SHA-256 of the canonical form, in hexadecimal digits."""
    return hashlib.sha256(canonical(content)).hexdigest()


def seal_of(digest: str) -> str:
    """The seal of a hash under the hub's key."""
    return keyed_hash("seal", digest)


def is_sealed(digest: str, seal: str) -> bool:
    """Whether `seal` was made of this hash under the hub's key."""
    return hmac.compare_digest(seal_of(digest).encode(), seal.encode())


def fingerprint() -> str:
    """What tells the hub's key from others, and tells nothing of it."""
    return keyed_hash("seal", "fingerprint")[:_FINGERPRINT_DIGITS]
