"""Asking the hub a question as a page of a tracked site would, to see whether it is let in."""

import json
from urllib.parse import urlsplit

from crosssite.commands import ContactGroups
from crosssite.models import TrackedSite
from crosssite.origins import main_site_url
from web.doors import Tested
from web.exchanges import finish_answer
from web.requests import Request

_PATH = "/Kentico.CrossSiteTracking/ContactGroups"


def send_test(site: TrackedSite) -> Tested:
    """Ask for the groups of a visitor who is nobody yet: no contact is made, nothing recorded."""
    headers = {
        "host": urlsplit(main_site_url(site.channel)).netloc.lower(),
        "origin": site.url,
        "content-type": "text/plain",
    }
    body = {"page": f"{site.url}/"}
    request = Request("POST", _PATH, "", headers, json.dumps(body).encode())
    answer = finish_answer(ContactGroups(request))
    lines = [
        f"POST {_PATH}",
        f"Host: {headers['host']}",
        f"Origin: {site.url}",
        "",
        json.dumps(body),
    ]
    readable = [
        f"{name.decode().title()}: {value.decode('latin1')}"
        for name, value in answer.headers
        if name.startswith(b"access-control-allow")
    ]
    return Tested(
        sent="\n".join(lines),
        status=answer.status,
        answer="\n".join([*readable, "", answer.body.decode(errors="replace")]).strip(),
        request_id=request.id,
        contact_guid="",
    )
