"""What a search for contacts looks into, and how it reads a term."""

import re
from dataclasses import dataclass

from django.db import connection
from django.db.models import Func, TextField

from adminsite.counting import estimated_rows

_COLUMNS = (
    "guid",
    "email",
    "first_name",
    "middle_name",
    "last_name",
    "company_name",
    "mobile_phone",
    "business_phone",
)
# How many contacts are looked at to find out how frequent words are, and what is frequent.
_SAMPLE = 2000
_FEWEST_ROWS = 10 * _SAMPLE
_FREQUENT = 0.01
# Pages from anywhere in the table: the newest contacts may be of another kind than most.
_LOOK = f"""
SELECT count(*) FILTER (WHERE has_all) > {_FREQUENT} * count(*)
FROM (
    SELECT throughline_contact_text({", ".join(_COLUMNS)}) AS text
    FROM contacts_contact TABLESAMPLE SYSTEM (%(percent)s)
) AS sample
CROSS JOIN LATERAL (
    SELECT bool_and(strpos(text, word) <> 0) AS has_all FROM unnest(%(words)s::text[]) AS word
) AS looked
"""  # noqa: S608 -- of names of our own
_GUID_PART = re.compile(r"[0-9a-f]*(?:-[0-9a-f]*)+")
_PHONE = re.compile(r"[0-9+()/.\- ]*")
# What is shorter is found as a word.
_FEWEST_DIGITS = 3


class ContactText(Func):
    """Email, names, company, phones and GUID of a contact, plain, with spaces between them.

    Phones are there in one spelling, the GUID without hyphens.
    """

    function = "throughline_contact_text"
    output_field = TextField()

    def __init__(self, *columns, **extra):
        super().__init__(*(columns or _COLUMNS), **extra)


@dataclass(frozen=True)
class Term:
    """What a user typed, in the plain form in which texts are compared.

    If it may be a phone, or part of a GUID, `others` are what contacts have who are meant by that.
    """

    words: list[str]
    others: list[str]


def read_term(text: str) -> Term:
    """Understand what a user typed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT plain, throughline_phone(plain) FROM throughline_plain(%s) AS plain",
            [text.replace("\0", "")],
        )
        plain, phone = cursor.fetchone()
    others = _spellings(plain, phone.split()) if _PHONE.fullmatch(plain) else []
    if _GUID_PART.fullmatch(plain.strip()):
        others.append(plain.strip().replace("-", ""))
    return Term(plain.split(), [one for one in others if one])


def are_frequent(words: list[str]) -> bool:
    """Whether more than one in a hundred of very many contacts has all these words."""
    rows = estimated_rows("contacts_contact")
    if rows < _FEWEST_ROWS:
        return False
    with connection.cursor() as cursor:
        cursor.execute(_LOOK, {"percent": 100 * _SAMPLE / rows, "words": words})
        return cursor.fetchone()[0]


def _spellings(plain: str, phone: list[str]) -> list[str]:
    """The ways in which `throughline_phone` may have written a number, or a part of it."""
    digits = re.sub("[^0-9]", "", plain)
    if len(digits) < _FEWEST_DIGITS:
        return []
    if len(phone) == 1:  # without the code of a country
        return [digits]
    # The user who wrote it down may have left out the code, or the plus before it.
    code, inland = (one[1:] for one in phone)
    return [phone[0], f"={inland}", f"=0{code}"]
