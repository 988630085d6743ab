"""Made-up contacts in large numbers, to see what a hub does that has grown.

They are made by PostgreSQL itself, out of their numbers: the same number is the same contact in
every hub.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from django.db import connection, transaction

from contacts.profile import FIELDS

_CHUNK = 20_000

# fmt: off
_FIRST_NAMES = [
    "Anna", "Jonas", "Miriam", "Lukas", "Sophie", "Emily", "Noah", "Olivia", "Liam", "Clara",
    "Felix", "Greta", "Hugo", "Ines", "Jakob", "Karla", "Leon", "Marta", "Nils", "Paula", "Rosa",
    "Simon", "Tilda", "Viktor", "Zoë", "André",
]
_LAST_NAMES = [
    "Keller", "Brandt", "Vogel", "Hofer", "Steiner", "Baumann", "Carter", "Young", "Meyer",
    "Lindqvist", "Moreau", "Rossi", "Jansen", "Novak", "Silva", "Clarke", "Evans", "Walsh",
    "Berger", "Huber", "Wagner", "Koch", "Richter", "Wolf", "Schäfer", "Krüger",
]
# fmt: on
# City, ZIP, country and state; the first ones are where most people live.
_PLACES = (
    ("Leipzig", "04109", "DEU", ""),
    ("Hamburg", "20359", "DEU", ""),
    ("Sacramento", "95814", "USA", "CA"),
    ("Graz", "8010", "AUT", ""),
    ("Bern", "3011", "CHE", ""),
    ("Boston", "02116", "USA", "MA"),
    ("Freiburg", "79098", "DEU", ""),
    ("Leeds", "LS1 4DY", "GBR", ""),
    ("Lyon", "69002", "FRA", ""),
    ("Utrecht", "3511", "NLD", ""),
    ("Porto", "4050", "PRT", ""),
    ("Reykjavík", "101", "ISL", ""),
)
# Of 1,000 contacts, so many stay anonymous, and so many more give a name but no email.
_ANONYMOUS, _NAMED = 550, 60

# What contacts have been given, and what stood there before: nothing.
_GIVEN = ", ".join(f"'{name}', nullif({name}::text, '')" for name in FIELDS)
_NOTHING = ", ".join(f"'{name}', CASE WHEN {name}::text <> '' THEN '' END" for name in FIELDS)
_INSERT = f"""
WITH made AS (INSERT INTO contacts_contact (
    guid, created_at, email, email_key, first_name, middle_name, last_name, birthday, mobile_phone,
    business_phone, company_name, job_title, address1, city, zip, country, state, notes
)
SELECT
    md5('sample contact ' || n)::uuid,
    %(since)s::timestamptz
        + (%(until)s::timestamptz - %(since)s::timestamptz) * ((n - 1) / %(count)s),
    -- Small letters of ASCII: the key is the email.
    email, email,
    CASE WHEN has_name THEN first_name ELSE '' END,
    '',
    CASE WHEN has_name THEN last_name ELSE '' END,
    CASE WHEN has_email AND draw %% 3 = 0 THEN '1950-01-01'::date + (draw %% 20000)::int END,
    CASE WHEN has_email AND draw %% 5 = 0 THEN '+1 555 ' || lpad((n %% 10000000)::text, 7, '0')
    ELSE '' END,
    '',
    CASE WHEN has_email AND draw %% 7 = 0 THEN last_name || ' & Co.' ELSE '' END,
    '',
    CASE WHEN has_home THEN 'Station Road ' || 1 + draw %% 200 ELSE '' END,
    CASE WHEN has_home THEN (%(cities)s::text[])[place] ELSE '' END,
    CASE WHEN has_home THEN (%(zips)s::text[])[place] ELSE '' END,
    CASE WHEN has_home THEN (%(countries)s::text[])[place] ELSE '' END,
    CASE WHEN has_home THEN (%(states)s::text[])[place] ELSE '' END,
    ''
FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
CROSS JOIN LATERAL (
    SELECT
        hashint8extended(n, 1) & 1048575 AS draw,
        (hashint8extended(n, 2) & 1048575) %% 1000 >= %(anonymous)s AS has_name,
        (hashint8extended(n, 2) & 1048575) %% 1000 >= %(nameless)s AS has_email,
        (%(first_names)s::text[])[
            1 + (hashint8extended(n, 3) & 1048575) %% cardinality(%(first_names)s::text[])
        ] AS first_name,
        (%(last_names)s::text[])[
            1 + (hashint8extended(n, 4) & 1048575) %% cardinality(%(last_names)s::text[])
        ] AS last_name,
        1 + floor(
            cardinality(%(cities)s::text[])
            * ((hashint8extended(n, 5) & 1048575) / 1048576.0::float8) ^ 2.5
        )::int AS place
) AS drawn
CROSS JOIN LATERAL (
    SELECT
        has_email AND draw %% 4 > 0 AS has_home,
        CASE WHEN has_email THEN
            translate(lower(first_name || '.' || last_name), 'äéëü', 'aeeu') || n || '@example.com'
        ELSE '' END AS email
) AS more
ORDER BY n
RETURNING *
), changed AS (
    INSERT INTO contacts_contactchange (contact_id, source, before, after, at)
    SELECT id, 'code', jsonb_strip_nulls(jsonb_build_object({_NOTHING})),
        jsonb_strip_nulls(jsonb_build_object({_GIVEN})), created_at
    FROM made WHERE first_name <> '' OR email <> '' ORDER BY id
)
SELECT id FROM made ORDER BY id
"""  # noqa: S608 -- of names of our own


class Period(NamedTuple):
    """The time over which sample data is spread."""

    since: datetime
    until: datetime


def sample_contacts_exist() -> bool:
    """Whether any sample contacts have been made here."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS"
            " (SELECT FROM contacts_contact WHERE guid = md5('sample contact 1')::uuid)"
        )
        return cursor.fetchone()[0]


def write_contacts(count: int, period: Period) -> Iterator[list[int]]:
    """Make `count` contacts, who come one after the other; yield the ids of each commit."""
    cities, zips, countries, states = (list(column) for column in zip(*_PLACES, strict=True))
    for first in range(1, count + 1, _CHUNK):
        parameters = {
            "first": first,
            "last": min(first + _CHUNK - 1, count),
            "count": float(count),
            **period._asdict(),
            "anonymous": _ANONYMOUS,
            "nameless": _ANONYMOUS + _NAMED,
            "first_names": _FIRST_NAMES,
            "last_names": _LAST_NAMES,
            "cities": cities,
            "zips": zips,
            "countries": countries,
            "states": states,
        }
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_INSERT, parameters)
            ids = [row[0] for row in cursor.fetchall()]
        yield ids
