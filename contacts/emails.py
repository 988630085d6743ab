"""Emails: which spellings are one mailbox, and how a contact's email may be spelled.

Every door, form, import and page asks this module. A contact keeps its email as it came; its
`email_key`, by which it is found and hashed, is `mailbox` of that in PostgreSQL's lower case.
"""

import unicodedata

import idna
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

LONGEST_EMAIL = 254
_QUOTE = '"'
_PUNYCODE = "xn--"
_UNSEEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"})
# What Unicode calls default ignorable and files under letters or marks, and a blank symbol.
_UNSEEN = frozenset(
    {
        *map(chr, (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2065, 0x2800, 0x3164, 0xFFA0)),
        *map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0000, 0xE1000))),
    }
)


def mailbox(email: str) -> str:
    """The spelling that all spellings of this mailbox have in common, but for letter case.

    Its Unicode form is NFC, its domain is the one that DNS knows (UTS 46 as browsers apply it, in
    Punycode), the part before the @ has no quotes that it does not need, and there is nothing in
    it that nobody sees. Any text has one; `check_email` says whether it is an email.
    """
    if email.isascii() and email.isprintable() and _QUOTE not in email:
        return email
    local, at, domain = unicodedata.normalize("NFC", without_unseen(email)).rpartition("@")
    return f"{_without_quotes(local)}{at}{_ascii_domain(domain)}"


def are_one_mailbox(one: str, other: str) -> bool:
    """Whether two emails are spellings of one mailbox."""
    return mailbox(one).lower() == mailbox(other).lower()


def spellings(email: str) -> set[str]:
    """The lower-case spellings in which this mailbox usually comes, this one among them."""
    key = mailbox(email).lower()
    local, at, domain = key.rpartition("@")
    written = f"{local}{at}{'.'.join(map(_unicode_label, domain.split('.')))}"
    return {email.lower(), key, written, unicodedata.normalize("NFD", written)}


def check_email(email: str) -> None:
    """Make sure that a contact may have `email`.

    :raises ValidationError: if it is no email, or has a character that nobody sees, which it names
    """
    if unseen := unseen_character(email):
        detail = f"This email has a character that nobody sees: {unseen}. Remove it."
        raise ValidationError(detail, code="unseen")
    key = mailbox(email)
    if not key.isascii():
        raise ValidationError("Enter a valid email address.", code="invalid")
    validate_email(key)


def unseen_character(text: str) -> str:
    """The first character of `text` that nobody sees, as `U+200B ZERO WIDTH SPACE`, or ""."""
    if text.isascii() and text.isprintable():
        return ""
    letter = next(filter(_is_unseen, text), "")
    return letter and f"U+{ord(letter):04X} {unicodedata.name(letter, '')}".strip()


def without_unseen(text: str) -> str:
    """`text` without the characters that nobody sees."""
    return "".join(letter for letter in text if not _is_unseen(letter))


def _is_unseen(letter: str) -> bool:
    if letter in " \t\r\n":  # no email has these outside of quotes, and they are seen
        return False
    return letter in _UNSEEN or unicodedata.category(letter) in _UNSEEN_CATEGORIES


def _without_quotes(local: str) -> str:
    """`local` as it is without quotes, if these only surround what needs none."""
    inner = local[1:-1]
    if len(local) < 3 or local[0] != _QUOTE or local[-1] != _QUOTE:
        return local
    try:
        validate_email(f"{inner}@example.com")
    except ValidationError:
        return local
    return local if _QUOTE in inner else inner


def _ascii_domain(domain: str) -> str:
    if domain.isascii() or len(domain) > LONGEST_EMAIL:
        return domain
    try:
        mapped = idna.uts46_remap(domain, std3_rules=False, transitional=False)
    except idna.IDNAError:  # no domain: `check_email` refuses it
        return domain
    return ".".join(map(_ascii_label, mapped.split(".")))


def _ascii_label(label: str) -> str:
    return label if label.isascii() else _PUNYCODE + label.encode("punycode").decode("ascii")


def _unicode_label(label: str) -> str:
    if not label.startswith(_PUNYCODE):
        return label
    try:
        return label.removeprefix(_PUNYCODE).encode("ascii").decode("punycode")
    except UnicodeError:
        return label
