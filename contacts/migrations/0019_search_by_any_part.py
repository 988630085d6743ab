import unicodedata

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations

from contacts.texts import ContactText
from database.grams import Plain, indexed_grams
from database.letter_case import pairs

# Marks above and below letters, of Latin, Greek, Cyrillic, Hebrew and Arabic; what nobody sees.
MARKS = (
    r"\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a"
    r"\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed"
    r"\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
)
# Letters that Unicode does not take apart, other spellings of one letter, and typographers' signs.
ONE_FOR_ONE = {
    "øłđðħıŧŋƒςکیى": "oldðhitnfσكيي".replace("ð", "d"),
    "’‘ʼ‛ʹ′": "''''''",
    "“”„«»″": '""""""',
    "‐‒–—−・·": "-------",
    "٠١٢٣٤٥٦٧٨٩": "0123456789",
    "۰۱۲۳۴۵۶۷۸۹": "0123456789",
}
TWO_FOR_ONE = {"ß": "ss", "æ": "ae", "œ": "oe", "þ": "th"}

# Plain SQL of PostgreSQL's own functions only, so that a dump restores whatever its search_path.
PLAIN = """
CREATE FUNCTION throughline_plain(given text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    plain text;
BEGIN
    -- Most texts are of ASCII, and this is much faster.
    IF octet_length(given) = length(given) THEN
        RETURN lower(given COLLATE "C");
    END IF;
    plain := regexp_replace(normalize(given, NFKD), '[{marks}]', '', 'g');
    IF octet_length(plain) = length(plain) THEN
        RETURN lower(plain COLLATE "C");
    END IF;
    plain := lower(plain COLLATE "C");
    IF plain ~ '[{capitals}]' THEN
        plain := translate(plain, '{upper}', '{lower}');
    END IF;
    {replaced}
    RETURN normalize(translate(plain, '{other}', '{common}'), NFKC);
END $$;
"""

# Calling codes: of one digit, of two, all others of three (ITU-T E.164). A number with one stands
# after “+”, and after “~” what is dialled within its country; one without stands after “=”. The
# latter two begin with the 0 that many countries dial first.
PHONE = """
CREATE FUNCTION throughline_phone(given text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    digits text;
    code_length integer;
BEGIN
    digits := translate(given, translate(given, '0123456789+', ''), '');
    IF digits LIKE '+%' OR digits LIKE '00%' THEN
        digits := replace(given, '(0)', '');
        digits := translate(digits, translate(digits, '0123456789', ''), '');
        digits := ltrim(digits, '0');
        code_length := CASE
            WHEN digits ~ '^[17]' THEN 1
            WHEN digits ~ '^(2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])' THEN 2
            ELSE 3
        END;
        RETURN ' +' || digits || ' ~0' || substr(digits, code_length + 1);
    END IF;
    digits := ltrim(translate(digits, '+', ''), '0');
    IF digits = '' THEN
        RETURN '';
    END IF;
    RETURN ' =0' || digits;
END $$;
"""

GRAMS = """
CREATE FUNCTION throughline_grams(plain text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 500 AS $$
DECLARE
    grams text[] := '{}';
    seen text := ' ';
    run text;
    size integer;
    place integer;
BEGIN
    FOREACH run IN ARRAY
        string_to_array(translate(plain, '@.-_+''&,/()":=~', '               '), ' ')
    LOOP
        size := length(run);
        -- Most emails are made of names.
        IF size = 0 OR strpos(seen, ' ' || run || ' ') > 0 THEN
            CONTINUE;
        END IF;
        seen := seen || run || ' ';
        IF size >= 25 AND run ~ '^[0-9a-f]*$' THEN
            -- A long number or a hash.
            FOR place IN 1 .. size - 3 BY 32 LOOP
                grams := grams || (ARRAY[
                    '#' || substr(run, place, 4), '#' || substr(run, place + 4, 4),
                    '#' || substr(run, place + 8, 4), '#' || substr(run, place + 12, 4),
                    '#' || substr(run, place + 16, 4), '#' || substr(run, place + 20, 4),
                    '#' || substr(run, place + 24, 4), '#' || substr(run, place + 28, 4)
                ])[1:(size - place + 1) / 4];
            END LOOP;
            CONTINUE;
        END IF;
        -- One long expression costs half of what a loop over letters does.
        grams := grams || (ARRAY[
            ' ' || left(run, 1), ' ' || left(run, 2),
            substr(run, 1, 3), substr(run, 2, 3), substr(run, 3, 3), substr(run, 4, 3),
            substr(run, 5, 3), substr(run, 6, 3), substr(run, 7, 3), substr(run, 8, 3)
        ])[1:size];
        IF size <= 2 THEN
            grams := grams || ('=' || run);
        END IF;
        place := 9;
        WHILE place <= size - 2 LOOP
            grams := grams || (ARRAY[
                substr(run, place, 3), substr(run, place + 1, 3), substr(run, place + 2, 3),
                substr(run, place + 3, 3), substr(run, place + 4, 3), substr(run, place + 5, 3),
                substr(run, place + 6, 3), substr(run, place + 7, 3)
            ])[1:size - 1 - place];
            place := place + 8;
        END LOOP;
        IF octet_length(run) > size AND run ~ '[DENSE]' THEN
            FOR place IN 1 .. size LOOP
                IF substr(run, place, 1) ~ '[DENSE]' THEN
                    grams := grams || substr(run, place, 1);
                    IF substr(run, place + 1, 1) ~ '[DENSE]' THEN
                        grams := grams || substr(run, place, 2);
                    END IF;
                END IF;
            END LOOP;
        END IF;
    END LOOP;
    RETURN grams;
END $$;
"""
# Han, Kana, Hangul: scripts that write a word in one letter or two.
DENSE = r"\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"

# A body that is parsed at once, so that it finds the other functions whatever the search_path. Not
# strict, or PostgreSQL could not put the body in the place of the call, which is much faster.
TEXT = """
CREATE FUNCTION throughline_contact_text(
    guid uuid, email text, first_name text, middle_name text, last_name text, company_name text,
    mobile_phone text, business_phone text
) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN throughline_plain(
    email || ' ' || first_name || ' ' || middle_name || ' ' || last_name || ' ' || company_name
)
    || CASE mobile_phone WHEN '' THEN '' ELSE throughline_phone(mobile_phone) END
    || CASE business_phone WHEN '' THEN '' ELSE throughline_phone(business_phone) END
    || ' ' || translate(guid::text, '-', '');
"""

FUNCTIONS = (
    "throughline_contact_text(uuid, text, text, text, text, text, text, text)",
    "throughline_grams(text)",
    "throughline_phone(text)",
    "throughline_plain(text)",
)


def quoted(text):
    return text.replace("'", "''")


def plain():
    capitals = [
        (upper, lower)
        for upper, lower in pairs()
        if not upper.isascii() and unicodedata.is_normalized("NFKD", upper)
    ]
    upper, lower = ("".join(letters) for letters in zip(*capitals, strict=True))
    return PLAIN.format(
        marks=MARKS,
        capitals=upper,
        upper=upper,
        lower=lower,
        replaced="\n    ".join(
            f"plain := replace(plain, '{one}', '{two}');" for one, two in TWO_FOR_ONE.items()
        ),
        other=quoted("".join(ONE_FOR_ONE)),
        common=quoted("".join(ONE_FOR_ONE.values())),
    )


def create(apps, schema_editor):
    for statement in (plain(), PHONE, GRAMS.replace("DENSE", DENSE), TEXT):
        schema_editor.execute(statement, params=None)


def drop(apps, schema_editor):
    for function in FUNCTIONS:
        schema_editor.execute(f"DROP FUNCTION {function}", params=None)


class Migration(migrations.Migration):
    """Searches go on while the indexes are built; then the old ones go."""

    atomic = False

    dependencies = [("contacts", "0018_changes_by_automations")]

    operations = [
        migrations.RunPython(create, drop),
        AddIndexConcurrently(
            "contact",
            GinIndex(indexed_grams(ContactText()), name="contacts_by_any_part"),
        ),
        AddIndexConcurrently(
            "contactidentifier",
            GinIndex(indexed_grams(Plain("value")), name="identifiers_by_any_part"),
        ),
        *(
            RemoveIndexConcurrently("contact", f"contact_{field}_search")
            for field in ("email", "last_name", "first_name")
        ),
        # Without the statistics of the new indexes, PostgreSQL takes any word for a rare one.
        migrations.RunSQL(
            ["ANALYZE contacts_contact", "ANALYZE contacts_contactidentifier"],
            migrations.RunSQL.noop,
        ),
    ]
