"""Addresses of emails as mail servers take them."""

from email.errors import MessageError
from email.headerregistry import Address
from email.utils import parseaddr

from django.conf import settings

from automations.models import Template
from contacts.emails import mailbox

# What RFC 5321 allows, and the columns have place for. In ASCII an address is longer.
_LONGEST = 254
# What has a meaning in a header: `a<ada@example.com` would go to Ada.
_SPECIAL = set(' ()<>:;,"\\')


class BadAddress(ValueError):
    """An address that no email can go to, or come from; the text says why."""


def ascii_address(email: str) -> str:
    """`email` in ASCII, its domain as DNS knows it.

    :raises BadAddress: if there is none
    """
    address = mailbox(email.strip())
    local, _, domain = address.rpartition("@")
    if not domain or not local:
        raise BadAddress("The address has no domain: it needs an @ with a name behind it.")
    if (
        not address.isascii()
        or not address.isprintable()
        or set(address) & _SPECIAL
        or "@" in local
    ):
        raise BadAddress("The address has a character that mail servers do not take.")
    if len(address) > _LONGEST:
        raise BadAddress(
            f"The address has more than {_LONGEST} characters, as mail servers write it."
        )
    return address


def sender_of(template: Template) -> str:
    """From whom an email of `template` comes, as `Name <address>`.

    :raises BadAddress: if neither the template nor the hub has an address that can be a sender
    """
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    if template.from_email:
        name, address = "", template.from_email
    if template.from_name:
        name = template.from_name
    address = ascii_address(address)
    try:
        return str(Address(" ".join(name.split()), addr_spec=address))
    except (MessageError, ValueError) as error:
        raise BadAddress("The sender is no address that an email can come from.") from error


def address_in(sender: str) -> str:
    """The address alone of a `Name <address>`."""
    return parseaddr(sender)[1]


def domain_of(sender: str) -> str:
    """The domain of a `Name <address>`."""
    return address_in(sender).rpartition("@")[2]
