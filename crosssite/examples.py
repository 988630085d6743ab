"""Code to copy that reports activities from websites."""

import json
from collections.abc import Sequence

from activities.models import SystemType
from channels.models import Channel
from web.doors import Lines

_CALLS: dict[str, str] = {
    SystemType.PAGE_VISIT: "kxt('pagevisit');",
    SystemType.CLICK: "kxt('click', { label: 'Home page CTA button' });",
    SystemType.DATA_INPUT: (
        "kxt('datainput', { label: 'Form', formElement: document.querySelector('form') });"
    ),
}


_ON_MAIN_SITES = Lines(
    title="Main site of any technology",
    code=(
        "<script>\n"
        "    window.kxt = window.kxt || function () "
        "{ (window.kxt.q = window.kxt.q || []).push(arguments); };\n"
        "</script>\n"
        '<script async src="/Kentico.Resource/Activities/KenticoActivityLogger/LoggerV2.js">'
        "</script>"
    ),
    note=(
        "At the end of the head of every page; it logs the page visit. The web server of the main "
        "site passes paths that begin with /Kentico. on to the hub."
    ),
)
_IN_TEMPLATES = Lines(
    title="Main site in Django",
    code="{% load crosssite %}\n{% tracking_script %}",
    note="In the head of the template of every page, of a main site that runs with the hub.",
)


def lines(hub: str, channel: Channel, type_code_name: str) -> Sequence[Lines]:
    """A call of the tracker; of a custom type, one for the Python code of a main site, too."""
    if channel.kind != Channel.Kind.WEBSITE or type_code_name == SystemType.LANDING_PAGE:
        return []
    name = _js_string(type_code_name)
    call = _CALLS.get(type_code_name, f"kxt('customactivity', {{ type: {name}, value: '1' }});")
    on_pages = Lines(
        title="JavaScript (kxt)",
        code=call,
        note="On pages that have the code snippet, of visitors who may be tracked.",
    )
    if type_code_name == SystemType.PAGE_VISIT:
        return [_ON_MAIN_SITES, _IN_TEMPLATES, on_pages]
    if type_code_name in _CALLS:
        return [on_pages]
    in_python = Lines(
        title="Main site in Django",
        code=f'log_custom_activity(request, {type_code_name!r}, value="1")',
        note="From crosssite.main_site, in a view of a main site that runs with the hub.",
    )
    return [on_pages, in_python]


def _js_string(text: str) -> str:
    inside = json.dumps(text, ensure_ascii=False)[1:-1].replace('\\"', '"').replace("'", "\\'")
    return f"'{inside}'"
