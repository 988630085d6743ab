"""The password of the embedded server: in a file for the hub's user alone."""

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path

_ITERATIONS = 4096


def read_password(file: Path) -> str:
    """The password in `file`, which is made if it is missing, for the owner of its folder alone."""
    try:
        return file.read_text()
    except FileNotFoundError:
        pass
    password = secrets.token_urlsafe(32)
    unfinished = file.with_name(f"{file.name}.new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
        new.write(password)
    if os.geteuid() == 0:
        # Root may be a guest in the folder of the user who runs the hub.
        owner = file.parent.stat()
        os.chown(unfinished, owner.st_uid, owner.st_gid)
    unfinished.rename(file)
    return password


def scram_verifier(password: str) -> str:
    """What PostgreSQL keeps of `password` (RFC 5803): it proves the password, and is none."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    salt_text, stored_text, server_text = (
        base64.b64encode(part).decode() for part in (salt, stored, server)
    )
    return f"SCRAM-SHA-256${_ITERATIONS}:{salt_text}${stored_text}:{server_text}"


def access_rules(password: str) -> str:
    """The server's pg_hba.conf: nobody without the password, whose digest says which one it is."""
    digest = hashlib.sha256(password.encode()).hexdigest()
    comment = f"# Made by the hub. The password has the SHA-256 {digest}."
    return f"{comment}\nlocal all all scram-sha-256\n"
