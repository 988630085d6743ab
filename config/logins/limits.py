"""How often logins may be tried: counted before a hash is made, for all processes together."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.http import HttpRequest

from web.addresses import client_address, network_of
from web.limits import is_within


@dataclass(frozen=True)
class Limit:
    """At most `count` in `seconds`, for each value that it is asked about."""

    name: str
    count: int
    seconds: int

    def allows(self, *values: object) -> bool:
        """Count one more, and tell whether that is still within the limit."""
        text = "\0".join(map(str, values))
        # Names and addresses are of any length and personal: the counters have neither.
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        return is_within(self.count, seconds=self.seconds, bucket=f"login:{self.name}:{digest}")


# One address may be an office: it has more attempts than one name has from there.
ATTEMPTS_OF_ADDRESS = Limit("address", 30, 300)
ATTEMPTS_OF_NAME_AND_ADDRESS = Limit("name-and-address", 5, 300)
# From all addresses together. One address alone never reaches it, so it cannot lock a user out.
ATTEMPTS_OF_NAME = Limit("name", 30, 300)
# What a logged-in user, or one who knows the password, may try: passwords and codes.
ATTEMPTS_OF_USER = Limit("user", 5, 300)
RESETS_OF_ADDRESS = Limit("reset-address", 10, 3600)
RESETS_OF_EMAIL = Limit("reset-email", 5, 3600)
NEW_PASSWORDS_OF_ADDRESS = Limit("new-password-address", 20, 300)
PASSKEYS_OF_ADDRESS = Limit("passkey-address", 30, 300)


def may_try_password(name: str, address: str) -> bool:
    """Count one attempt to log in as `name`, and tell whether a hash may be made for it.

    An attempt that one limit refuses does not count for the next.
    """
    return (
        ATTEMPTS_OF_NAME_AND_ADDRESS.allows(name, address)
        and ATTEMPTS_OF_ADDRESS.allows(address)
        and ATTEMPTS_OF_NAME.allows(name)
    )


def address_of(request: HttpRequest) -> str:
    """The address that a request came from, as limits count it."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    return network_of(client_address(forwarded, request.META.get("REMOTE_ADDR", "")))


class TooBusy(Exception):
    """Too many passwords are being checked in this process already."""


# A hash takes a core for a tenth of a second or more, and the thread that waits for it is one that
# other requests need. So a process makes one at a time, and few wait.
_PLACES = threading.BoundedSemaphore(4)
_HASHING = threading.Lock()


@contextmanager
def one_hash_at_a_time() -> Iterator[None]:
    """Within it a password may be hashed. Raises TooBusy if enough threads wait for that."""
    if not _PLACES.acquire(blocking=False):
        raise TooBusy
    try:
        with _HASHING:
            yield
    finally:
        _PLACES.release()
