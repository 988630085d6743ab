"""The page of the demo's CRM, and the address to which the hub delivers."""

import json
from typing import Any

from csp.constants import NONCE
from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from adminsite.formatting import change_url
from channels.models import Channel
from config.demo import data
from config.demo.crm import keeping, receiving
from config.demo.crm.keeping import Kept
from crosssite.origins import main_site_url
from destinations.models import Destination

_OWN = ["'self'", NONCE]
_with_own_script = csp_update({"script-src": _OWN, "style-src": _OWN})

# The first of these members of `data` says best what a message tells.
_TELLING = ("title", "name", "group", "consent", "automation", "type")


@csrf_exempt
@require_http_methods(["POST", "PUT", "PATCH"])
def receive(request: HttpRequest) -> HttpResponse:
    """Take a message of the hub."""
    status, text = receiving.receive(request.headers, request.body)
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")


@require_GET
@never_cache
@_with_own_script
def show(request: HttpRequest) -> HttpResponse:
    """The page that shows what has arrived."""
    destination = Destination.objects.filter(code_name__fold=data.CRM).first()
    main_site = Channel.objects.filter(code_name__fold=data.SITE).first()
    context = {
        **_arrived(),
        "answer": keeping.answer(),
        "answers": keeping.ANSWERS,
        "has_secret": bool(keeping.secret()),
        "destination": destination,
        "destination_url": change_url(destination) if destination else "",
        "bank_url": main_site_url(main_site) if main_site else "",
    }
    return render(request, "demo/crm/page.html", context)


@require_GET
@never_cache
def show_messages(request: HttpRequest) -> HttpResponse:
    """What has arrived alone, by which the page is kept up to date."""
    return render(request, "demo/crm/messages.html", _arrived())


@require_POST
def set_answer(request: HttpRequest) -> HttpResponse:
    """Have the CRM answer otherwise: as one that works, or one that does not."""
    status = request.POST.get("answer", "")
    if status in map(str, keeping.ANSWERS):
        keeping.set_answer(int(status))
    return redirect("demo-crm:page")


@require_POST
def set_secret(request: HttpRequest) -> HttpResponse:
    """Tell the CRM the secret of the destination."""
    if secret := request.POST.get("secret", "").strip():
        keeping.set_secret(secret)
    return redirect("demo-crm:page")


@require_POST
def forget(request: HttpRequest) -> HttpResponse:
    """Begin with an empty page."""
    keeping.forget_everything()
    return redirect("demo-crm:page")


def _arrived() -> dict[str, Any]:
    return {"messages": [_line(kept) for kept in keeping.messages()]}


def _line(kept: Kept) -> dict[str, Any]:
    content = kept.content
    contact = content.get("contact")
    told = content.get("data")
    return {
        "kept": kept,
        "type": content.get("type") or "message",
        "who": _name_of(contact) if isinstance(contact, dict) else "",
        "what": _first_text(told, _TELLING) if isinstance(told, dict) else "",
        "body": _laid_out(content) if content else kept.body,
    }


def _laid_out(content: dict[str, Any]) -> str:
    try:
        return json.dumps(content, indent=2, ensure_ascii=False)
    except RecursionError:
        return json.dumps(content, ensure_ascii=False)


def _name_of(contact: dict[str, Any]) -> str:
    names = (contact.get("first_name"), contact.get("last_name"))
    name = " ".join(str(one) for one in names if one)
    return name or _first_text(contact, ("email", "guid"))


def _first_text(members: dict[str, Any], names: tuple[str, ...]) -> str:
    found = (members.get(name) for name in names)
    return next((text for text in found if isinstance(text, str) and text), "")
