from django.db import migrations, transaction

# So many agreements, and those of the same contacts, are looked at in one transaction.
_AT_ONCE = 20_000

_NEXT = """
SELECT max(contact_id) FROM (
    SELECT contact_id FROM consents_consentagreement
    WHERE contact_id > %s ORDER BY contact_id LIMIT %s
) AS next
"""
# A merge that moved agreements between the look and the writing would be missed.
_LOCK = "LOCK TABLE consents_consentagreement IN SHARE ROW EXCLUSIVE MODE"
_KEEP = """
SELECT consents_keep_current_answers(array_agg(contact_id), array_agg(consent_id))
FROM consents_consentagreement WHERE contact_id > %s AND contact_id <= %s
"""


def keep_current_answers(apps, schema_editor):
    """Find the answers that count now in a ledger of before; what comes meanwhile, triggers keep.

    It may be ended at any time, and begun again.
    """
    last: int | None = 0
    while last is not None:
        with transaction.atomic(), schema_editor.connection.cursor() as cursor:
            cursor.execute(_LOCK)
            last = _keep_next(cursor, last)


def _keep_next(cursor, last: int) -> int | None:
    """Keep those of the next contacts after `last`; return the last one's id, None at the end."""
    cursor.execute(_NEXT, [last, _AT_ONCE])
    (until,) = cursor.fetchone()
    if until is not None:
        cursor.execute(_KEEP, [last, until])
    return until


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("consents", "0004_current_answers")]

    operations = [migrations.RunPython(keep_current_answers, migrations.RunPython.noop)]
