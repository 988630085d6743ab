"""How large the body of a request may be: what users upload may be larger than what doors take."""

from importlib import import_module

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User

from config.serving import Allowance
from database.loop import in_thread
from exchange.admin.permissions import may_import
from exchange.importing.storing import folder
from web.answers import Scope
from web.requests import Request

# The page that takes files; `tests/config/test_uploads.py` compares it with the address.
UPLOAD_PATH = "/admin/exchange/import/upload/"
# A form has some more bytes than its file.
_FORM_BYTES = 100_000
# 200 MB through a line of 1 Mbit/s take less than half an hour.
_UPLOAD_SECONDS = 1_800.0


async def allowance_of(scope: Scope) -> Allowance:
    """What is allowed to a request for the page that takes files: more to users who may import.

    Who it is, is asked before anything is read. Otherwise everybody could fill the disk.
    """
    if scope["method"] == "POST":
        key = Request.of_scope(scope, b"").cookies.get(settings.SESSION_COOKIE_NAME, "")
        is_theirs = bool(key) and await in_thread(_may_upload, session_key=key)
        if is_theirs:
            most = settings.IMPORT_MAX_MB * 1_000_000 + _FORM_BYTES
            return Allowance(most, _UPLOAD_SECONDS, folder())
    return Allowance(settings.MAX_BODY_BYTES)


def _may_upload(session_key: str) -> bool:
    session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user = User.objects.filter(pk=session.get(SESSION_KEY)).first()
    return user is not None and user.is_staff and may_import(user)
