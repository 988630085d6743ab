"""Which two emails may well be one person's: one mailbox by another name, or a mistyped domain."""

# Mail providers under whose domains one mailbox has several names.
ALIASES = {
    "googlemail.com": "gmail.com",
    "me.com": "icloud.com",
    "mac.com": "icloud.com",
    "protonmail.com": "proton.me",
    "protonmail.ch": "proton.me",
    "pm.me": "proton.me",
    "ya.ru": "yandex.ru",
    "yandex.com": "yandex.ru",
    "fastmail.fm": "fastmail.com",
    "tutanota.com": "tuta.com",
    "tutanota.de": "tuta.com",
}
# Domains that are not each other's mistake.
_PROVIDERS = {
    *ALIASES,
    *ALIASES.values(),
    *("gmx.de", "gmx.at", "gmx.ch", "gmx.net", "gmx.com", "gmx.fr", "gmx.es", "web.de", "mail.de"),
    *("mail.com", "mail.ru", "email.com", "aol.com", "aol.de", "t-online.de", "freenet.de"),
    *("hotmail.com", "hotmail.de", "hotmail.fr", "hotmail.it", "hotmail.es", "hotmail.co.uk"),
    *("outlook.com", "outlook.de", "outlook.fr", "outlook.it", "live.com", "live.de", "live.fr"),
    *("yahoo.com", "yahoo.de", "yahoo.fr", "yahoo.it", "yahoo.es", "yahoo.co.uk", "yahoo.co.jp"),
    *("ymail.com", "rocketmail.com", "orange.fr", "free.fr", "sfr.fr", "libero.it", "qq.com"),
}
_WITHOUT_DOTS = {"gmail.com"}
# Names of mailboxes that are nobody's own, without dots.
ROLES = frozenset(
    {
        *("admin", "billing", "buero", "contact", "enquiries", "hello", "help", "hostmaster"),
        *("info", "jobs", "kontakt", "mail", "marketing", "newsletter", "noreply", "no-reply"),
        *("office", "post", "postmaster", "press", "sales", "service", "support", "team", "test"),
        *("webmaster", "www"),
    }
)


def are_similar(one: str, other: str) -> bool:
    """Whether these two keys of emails, which differ, may well be one person's."""
    if one == other:
        return False
    (name, domain), (other_name, other_domain) = _parts(one), _parts(other)
    if domain != other_domain and not _is_mistyped(domain, other_domain):
        return False
    if {domain, other_domain} & _WITHOUT_DOTS:
        name, other_name = name.replace(".", ""), other_name.replace(".", "")
    return name == other_name


def is_one_letter_off(one: str, other: str) -> bool:
    """Whether a letter more, less or other makes one of the other, or two letters swapped."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    rest, other_rest = one[start:], other[start:]
    if rest[1:] == other_rest or rest == other_rest[1:] or rest[1:] == other_rest[1:]:
        return True
    swapped = rest[1:2] + rest[:1] + rest[2:]
    return swapped == other_rest


def _parts(email: str) -> tuple[str, str]:
    name, _, domain = email.rpartition("@")
    return name.partition("+")[0], ALIASES.get(domain, domain)


def _is_mistyped(one: str, other: str) -> bool:
    return not {one, other} <= _PROVIDERS and is_one_letter_off(one, other)
