"""What the database itself saw: triggers keep which rows were moved, and which were deleted.

The hub's own records are compared with it.
"""

import json
from contextlib import contextmanager

from django.apps import apps
from django.db import connection

from contacts.keys import ContactKey, OnMerge
from contacts.moving import name_of

_MAKE = """
CREATE TABLE moves (key text, id bigint, was bigint, by_merge boolean);
CREATE TABLE erasures (model text, line jsonb);
CREATE FUNCTION keep_move() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE was bigint := to_jsonb(OLD) ->> TG_ARGV[1];
BEGIN
    INSERT INTO moves SELECT TG_ARGV[0], OLD.id, was, merged_into_id IS NOT NULL
    FROM contacts_contact WHERE contacts_contact.id = was;
    RETURN NULL;
END $$;
CREATE FUNCTION keep_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO erasures VALUES (TG_ARGV[0], to_jsonb(OLD));
    RETURN NULL;
END $$;
CREATE TRIGGER erasures AFTER DELETE ON contacts_contact
    FOR EACH ROW EXECUTE FUNCTION keep_erasure('contact');
CREATE TRIGGER erasures AFTER DELETE ON activities_activity
    FOR EACH ROW EXECUTE FUNCTION keep_erasure('activity')
"""
_FOLLOW = """
CREATE TRIGGER moves_of_{column} AFTER UPDATE OF {column} ON {table}
FOR EACH ROW WHEN (OLD.{column} IS DISTINCT FROM NEW.{column} AND NEW.{column} IS NOT NULL)
EXECUTE FUNCTION keep_move('{name}', '{column}')
"""


def moving_keys():
    """The keys whose rows a merge gives to the survivor."""
    return [
        field
        for model in apps.get_models()
        for field in model._meta.local_fields
        if isinstance(field, ContactKey) and field.on_merge in (OnMerge.MOVE, OnMerge.FOLLOW)
    ]


@contextmanager
def kept():
    """Have the database keep it, until the block is left."""
    with connection.cursor() as cursor:
        cursor.execute(_MAKE)
        for key in moving_keys():
            table = key.model._meta.db_table
            cursor.execute(_FOLLOW.format(table=table, column=key.column, name=name_of(key)))
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION keep_move, keep_erasure CASCADE")
            cursor.execute("DROP TABLE moves, erasures")


def rows(sql, *params):
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def erased(model):
    """The rows of contacts or activities that were deleted, as they were."""
    found = rows("SELECT line FROM erasures WHERE model = %s", model)
    return [json.loads(line) for (line,) in found]
