"""A process that uses the embedded PostgreSQL, told by its standard input what to do.

python database_user.py HOME [UID]
"""

import json
import os
import subprocess  # imported before the account changes, for then it may not be readable
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg

from config.embedded.errors import EmbeddedPostgresFailed
from config.embedded.postgres import DATABASE, EmbeddedPostgres, embedded_postgres

assert subprocess


def query(server: EmbeddedPostgres, sql: str) -> str:
    parameters = server.connection_parameters()
    with psycopg.connect(**parameters, dbname=DATABASE, autocommit=True) as connection:
        cursor = connection.execute(sql)
        return "" if cursor.description is None else str(cursor.fetchone()[0])


def answer(server: EmbeddedPostgres, line: str) -> str:
    match line.split(" ", 1):
        case ["acquire"]:
            server.acquire()
            return str(server.connection_parameters()["host"])
        case ["acquire_at_once", number]:
            with ThreadPoolExecutor(int(number)) as executor:
                hosts = executor.map(lambda _: answer(server, "acquire"), range(int(number)))
                return "\n".join(sorted(set(hosts)))
        case ["release"]:
            server.release()
        case ["sql", sql]:
            return query(server, sql)
        case ["hand_to_fork"]:
            # The parent goes on as a forked child: what the test talks to is now the child.
            if os.fork():
                os._exit(0)
            return str(os.getpid())
    return ""


def main(home: Path, uid: int | None) -> None:
    if uid is not None:
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
    server = embedded_postgres(home)
    for line in sys.stdin:
        try:
            result = {"ok": answer(server, line.strip())}
        except EmbeddedPostgresFailed as error:
            result = {"error": str(error)}
        sys.stdout.write(json.dumps(result) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else None)
