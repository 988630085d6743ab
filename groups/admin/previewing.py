"""What the builder asks the server: what a rule says and matches, and values to choose from."""

import json
import re
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.template.defaultfilters import date as format_date
from django.utils import timezone

from adminsite.formatting import change_url
from contacts.admin.permissions import may_see_contacts
from groups.admin.forms import rule_of
from groups.admin.offers import suggestions
from groups.admin.telling import may_count
from groups.preview import Preview, Superseded, count, sample
from groups.problems import problems_of
from groups.rules import InvalidRule, Tree
from groups.sentences import sentence

_TOO_SLOW = (
    "Counting takes longer than 3 seconds. Save the group: a worker builds it in the background."
)
_HIDDEN = (
    "Only users who may see contacts get counts of rules with a condition on a name, an email or "
    "another field that tells who a contact is, or on a group whose rule has one."
)
# What pages of the builder call themselves.
_PAGE = re.compile(r"[0-9-]{1,50}")


def preview(request: HttpRequest, *, of_run: bool = False) -> JsonResponse:
    """The sentence of the rule that the builder sent, what it matches, and what is wrong with it.

    Users who may not see contacts get counts alone, and none if a condition is on a field that
    tells who a contact is, here or in the rule of a group that is named.

    :param of_run: whether the rule is asked of runs of an automation; what it counts since an
        entry has no count without one
    """
    try:
        given = json.loads(request.body)
        tree = rule_of(json.dumps(given["rule"]), of_run=of_run)
    except InvalidRule as error:
        return _answer({"error": {"path": error.path, "detail": error.detail}})
    except (ValueError, KeyError, TypeError, RecursionError):
        return _answer({"failure": "This is no rule: it cannot be read as JSON."}, status=400)
    if any("since" in leaf.members for leaf in tree.leaves()):
        return _answer(_said(tree) | {"count": None, "people": None})
    if not may_count(request.user, tree):
        return _answer(_said(tree) | {"count": None, "failure": _HIDDEN, "people": None})
    try:
        found = count(tree, _asked_by(request, given), refresh=given.get("refresh") is True)
    except Superseded:
        return _answer({"superseded": True})
    return _answer(_said(tree) | _counted(found) | _people(request, found))


def suggest(request: HttpRequest) -> JsonResponse:
    """Values that contacts and activities had of late, for a text of a condition."""
    given = request.GET
    values = suggestions(
        request.user,
        given.get("of", ""),
        given.getlist("type"),
        given.get("begun", ""),
        given.get("name", ""),
    )
    return _answer({"values": values})


def _asked_by(request: HttpRequest, given: dict[str, Any]) -> str:
    """Who looks at the preview: a page of a session, which shows one at a time."""
    page = str(given.get("page", ""))
    return f"{request.session.session_key} {page if _PAGE.fullmatch(page) else ''}"


def _said(tree: Tree) -> dict[str, Any]:
    return {
        "sentence": sentence(tree),
        "problems": [{"path": one.path, "text": one.text} for one in problems_of(tree)],
    }


def _counted(found: Preview) -> dict[str, Any]:
    return {
        "count": found.count,
        "failure": _TOO_SLOW if found.count is None else "",
        "as_of": format_date(timezone.localtime(found.as_of), "H:i:s"),
        "is_fresh": found.is_fresh,
        "matches": found.matches,
    }


def _people(request: HttpRequest, found: Preview) -> dict[str, Any]:
    if not may_see_contacts(request.user):
        return {"people": None}
    people = sample(found)
    return {"people": [{"name": str(one), "url": change_url(one)} for one in people]}


def _answer(content: dict[str, Any], *, status: int = 200) -> JsonResponse:
    return JsonResponse(content, status=status)
