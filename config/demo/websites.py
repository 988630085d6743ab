"""The demo's websites: the bank's main site, and two tracked sites on other domains."""

from collections.abc import Callable
from urllib.parse import urlsplit

from csp.constants import NONCE
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.shortcuts import render

from channels.known import channel_of_host
from channels.models import Channel
from config.demo import brochures, data
from consents.texts import find_text
from crosssite.models import TrackedSite
from crosssite.origins import main_site_url
from database.loop import finish
from database.memory import ShortMemory

# The complete example of docs/website-tracking.md is the magazine, as it is written there.
EXAMPLE = settings.BASE_DIR / "docs" / "examples" / "external-site.html"
EXAMPLE_MAIN_SITE = "https://www.example.com"
EXAMPLE_OTHER_SITE = "https://homes.example.com"

_MAIN_PAGES = {
    "/": "demo/bank/home.html",
    "/loans/": "demo/bank/loans.html",
    "/brochures/": "demo/bank/brochures.html",
    "/contact/": "demo/bank/contact.html",
    **{data.brochure_path(name): "demo/bank/brochure.html" for name in data.BROCHURES},
}
_HOMES_PAGES = {
    "/": "demo/homes/home.html",
    "/riverside/": "demo/homes/riverside.html",
    "/viewing/": "demo/homes/viewing.html",
}


class DemoWebsitesMiddleware:
    """Answer with the demo's websites on their hosts; every other request is the hub's.

    The main site is on the domain of its channel, where the hub answers whatever is not a page. A
    tracked site has its pages and nothing of the hub, as on a server of its own.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if site := _sites_by_host().get(request.get_host().lower()):
            return _answer_page(request, site.channel, lambda: _show_tracked_site(request, site))
        channel = None
        if request.path_info in _MAIN_PAGES:
            channel = finish(channel_of_host(request.get_host().lower()))
        if channel and channel.code_name == data.SITE:
            return _answer_page(request, channel, lambda: _show_main_site(request, channel))
        return self.get_response(request)


def example_page(main_url: str, other_url: str = EXAMPLE_OTHER_SITE) -> str:
    """The example of the documentation, for the main site and another tracked site of yours."""
    page = EXAMPLE.read_text(encoding="utf-8")
    return page.replace(EXAMPLE_MAIN_SITE, main_url).replace(EXAMPLE_OTHER_SITE, other_url)


def _sites_by_host() -> dict[str, TrackedSite]:
    return _sites.get("all") or {}


def _read_sites(_: str) -> dict[str, TrackedSite]:
    sites = TrackedSite.objects.filter(code_name__in=data.TRACKED_SITES)
    sites = sites.select_related("channel__tracking_consent")
    return {urlsplit(site.url).netloc.lower(): site for site in sites}


# Every request of the hub comes by here.
_sites = ShortMemory(_read_sites)


def _answer_page(
    request: HttpRequest, channel: Channel, show: Callable[[], HttpResponse]
) -> HttpResponse:
    allowed = ["GET", "HEAD"]
    if request.path_info == data.BROCHURES_PATH:
        allowed.append("POST")
    if request.method not in allowed:
        return HttpResponseNotAllowed(allowed)
    response = show()
    # Django's default tells other websites nothing, not even that a visitor came from here.
    response["Referrer-Policy"] = "strict-origin-when-cross-origin"
    # As a website has it that uses the hub: the snippet has a nonce, the tracker is the hub's.
    own = ["'self'", NONCE]
    hub = main_site_url(channel)
    update = {"script-src": [*own, hub], "style-src": own, "connect-src": ["'self'", hub]}
    # What the decorator csp_update of django-csp does.
    response._csp_update = update  # type: ignore[attr-defined]
    return response


def _show_main_site(request: HttpRequest, channel: Channel) -> HttpResponse:
    consent = channel.tracking_consent
    context = {
        **_addresses(channel),
        "consent": consent,
        "text": find_text(consent, "en") if consent else None,
        "brochure": data.BROCHURES.get(request.path_info.strip("/").rpartition("/")[2]),
    }
    template = _MAIN_PAGES[request.path_info]
    if request.path_info == data.BROCHURES_PATH:
        return brochures.show_form(request, channel, template, context)
    return render(request, template, context)


def _show_tracked_site(request: HttpRequest, site: TrackedSite) -> HttpResponse:
    urls = _addresses(site.channel)
    if site.code_name == data.MAGAZINE and request.path_info == "/":
        page = example_page(urls["bank_url"], urls["homes_url"] or "/")
        return HttpResponse(_with_nonce(page, request.csp_nonce))  # type: ignore[attr-defined]
    if site.code_name == data.HOMES and request.path_info in _HOMES_PAGES:
        context = {**urls, "consent": site.channel.tracking_consent}
        return render(request, _HOMES_PAGES[request.path_info], context)
    raise Http404("This website has no such page.")


def _with_nonce(page: str, nonce: str) -> str:
    """`page` whose scripts and styles are allowed; the snippet itself stays as it is copied."""
    for element in ("script", "style"):
        page = page.replace(f"<{element}>", f'<{element} nonce="{nonce}">')
    return page


def _addresses(channel: Channel) -> dict[str, str]:
    """Where the demo's websites are, for their links to each other."""
    sites = TrackedSite.objects.filter(code_name__in=data.TRACKED_SITES)
    urls = {site.code_name: site.url for site in sites}
    return {
        "bank_url": main_site_url(channel),
        "homes_url": urls.get(data.HOMES, ""),
        "magazine_url": urls.get(data.MAGAZINE, ""),
    }
