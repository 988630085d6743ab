"""Where something stands: in which columns of the whole database, and in which files."""

from pathlib import Path

from django.db import connection

_COLUMNS = """
SELECT columns.table_name, column_name, data_type FROM information_schema.columns AS columns
JOIN information_schema.tables AS tables USING (table_schema, table_name)
WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1, ordinal_position
"""


def columns_with(*words):
    """The columns of the database, of every table and type, with one of these words in a row.

    Letter case makes no difference. What is stored as bytes is read as text, too.
    """
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS)
        columns = cursor.fetchall()
        found = set()
        for table, column, data_type in columns:
            text = f'"{column}"::text'
            if data_type == "bytea":
                text = f"concat(encode(\"{column}\", 'escape'), encode(\"{column}\", 'hex'))"
            cursor.execute(
                f'SELECT EXISTS (SELECT FROM "{table}" WHERE {text} ILIKE ANY(%s))',
                [[f"%{word}%" for word in words]],
            )
            if cursor.fetchone()[0]:
                found.add(f"{table}.{column}")
    return found


def tables_of(columns):
    """The tables of these columns."""
    return {column.partition(".")[0] for column in columns}


def lines_with(folder: Path, *words):
    """The lines of all files below a folder that have one of these words."""
    wanted = [word.lower().encode() for word in words]
    return [
        line
        for file in sorted(folder.rglob("*"))
        if file.is_file()
        for line in file.read_bytes().lower().splitlines()
        if any(word in line for word in wanted)
    ]
