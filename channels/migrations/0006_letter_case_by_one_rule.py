from django.db import migrations

from database.letter_case import pairs

# What `fold` of database/letter_case.py does, which is a copy of Unicode's and does not change.
CREATE = """
CREATE FUNCTION throughline_fold(given text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    -- Most names are of ASCII, and this is much faster.
    IF octet_length(given) = length(given) THEN
        RETURN lower(given COLLATE "C");
    END IF;
    RETURN translate(given, '{upper}', '{lower}');
END $$;
"""


def create(apps, schema_editor):
    upper, lower = ("".join(letters) for letters in zip(*pairs(), strict=True))
    schema_editor.execute(CREATE.format(upper=upper, lower=lower), params=None)


def drop(apps, schema_editor):
    schema_editor.execute("DROP FUNCTION throughline_fold(text)", params=None)


class Migration(migrations.Migration):
    dependencies = [("channels", "0005_access_types_of_doors")]

    operations = [migrations.RunPython(create, drop)]
