"""After a test that commits, the database is as migrations had made it.

Django would truncate every table, empty or not, and save what migrations had made object by
object: half a second for each of a thousand tests. Here one call deletes the rows of tables that
have some, and copies those of migrations back. The user of the database must be a superuser.
"""

from django.db import connection
from django.test import TransactionTestCase

KEPT = "as_made"
_TABLES = """
SELECT relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'django_migrations'
"""
_RESTORE = f"""
CREATE FUNCTION {KEPT}.restore() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text;
    is_filled boolean;
    columns text;
BEGIN
    -- Without triggers: those of keys, and those that keep logs as they are.
    PERFORM set_config('session_replication_role', 'replica', true);
    FOR name IN {_TABLES} LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', name) INTO is_filled;
        IF is_filled THEN
            EXECUTE format('DELETE FROM public.%I', name);
        END IF;
        IF to_regclass(format('{KEPT}.%I', name)) IS NOT NULL THEN
            SELECT string_agg(quote_ident(attname), ', ') INTO columns FROM pg_attribute
            WHERE attrelid = format('public.%I', name)::regclass
                AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
            EXECUTE format('INSERT INTO public.%I (%s) SELECT %s FROM {KEPT}.%I',
                name, columns, columns, name);
        END IF;
    END LOOP;
END $$
"""


def keep_as_made():
    """Keep the rows that migrations have made, unless a run before has."""
    # Django's copy is loaded before each test.
    if hasattr(connection, "_test_serialized_contents"):
        del connection._test_serialized_contents
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regnamespace(%s)", [KEPT])
        if cursor.fetchone()[0]:
            return
        cursor.execute(f"CREATE SCHEMA {KEPT}")
        cursor.execute(_TABLES)
        for (name,) in cursor.fetchall():
            cursor.execute(f'SELECT EXISTS (SELECT FROM "{name}")')
            if cursor.fetchone()[0]:
                cursor.execute(f'CREATE TABLE {KEPT}."{name}" AS TABLE public."{name}"')
        cursor.execute(_RESTORE)


def restore(test_case):
    """Undo what a test has committed: in the place of `TransactionTestCase._fixture_teardown`."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {KEPT}.restore()")


def use():
    """Have every test that commits end like this."""
    TransactionTestCase._fixture_teardown = restore
