"""The pages of the websites that the tests visit, and what came of a visit."""

from activities.models import Activity
from tests.browser.waiting import wait_for, wait_until

MAIN, SHOP, BLOG, SUBDOMAIN = "main.example", "shop.example", "blog.example", "news.main.example"

_SNIPPET = """
(function (w, d, s, e, n) {
    w.XperienceTrackerName = n;
    w[n] = w[n] || function () {
        (w[n].q = w[n].q || []).push(arguments);
    };
    var scriptElement = d.createElement(s);
    var scriptSection = d.getElementsByTagName(s)[0];
    scriptElement.async = 1;
    var address = e.replace(/\\/+$/, '') + '/Kentico.Resource/CrossSiteTracking/Logger.js';
    try {
        // A page with Trusted Types allows this policy by its name
        var policy = { createScriptURL: function (url) { return url; } };
        address = w.trustedTypes.createPolicy('throughline', policy).createScriptURL(address);
    } catch (none) { /* No Trusted Types, or the default policy of the page decides */ }
    scriptElement.src = address;
    scriptSection.parentNode.insertBefore(scriptElement, scriptSection);
    w[n]('init', { mainSiteUrl: e, document: d, window: w });
})(window, document, 'script', 'https://main.example', 'kxt');
"""
# What the documentation tells a page to do that asks for consent first.
CONSENT_FIRST = """
kxt('consentdefault', { allow_tracking: false, allow_datainput: false });
kxt('consentcontactstatus', {
    codeName: 'TrackingConsent',
    callback: (status) => {
        show('agreed', status.isAgreed);
        if (status.isAgreed) kxt('updateconsent', { allow_tracking: true, allow_datainput: true });
    },
});
kxt('pagevisit');
"""
PLAIN = "kxt('pagevisit');"
# Buttons of every page, and a place where scripts show what happened.
_COMMON = """
const show = (name, value) => document.documentElement.setAttribute(`data-${name}`, value);
const agree = () => kxt('consentagree', {
    codeName: 'TrackingConsent',
    callback: () => {
        kxt('updateconsent', { allow_tracking: true, allow_datainput: true });
        show('agreed', true);
    },
    onerror: (error) => show('error', error.type),
});
const revoke = () => kxt('consentrevoke', {
    codeName: 'TrackingConsent',
    callback: () => {
        kxt('updateconsent', { allow_tracking: false, allow_datainput: false });
        show('agreed', false);
    },
    onerror: (error) => show('error', error.type),
});
"""
_BUTTONS = (
    '<button id="agree" onclick="agree()">Agree</button>'
    '<button id="revoke" onclick="revoke()">Revoke</button>'
)
LOGGER_V2 = "/Kentico.Resource/Activities/KenticoActivityLogger/LoggerV2.js"


def snippet(name="kxt", hub=f"https://{MAIN}"):
    """The code snippet of a tracked site, without its script element."""
    return _SNIPPET.replace("'kxt'", f"'{name}'").replace(f"https://{MAIN}", hub)


def external_page(title, body="", script=CONSENT_FIRST, name="kxt", hub=f"https://{MAIN}"):
    """A page of a tracked site."""
    return (
        f"<!doctype html><head><title>{title}</title><script>{snippet(name, hub)}</script>"
        f"<script>{_COMMON}{script}</script></head><body>{_BUTTONS}{body}</body>"
    )


def main_page(title, body="", script="", attributes=""):
    """A page of the main site, whatever that is built with."""
    return (
        f"<!doctype html><head><title>{title}</title><script>{_COMMON}{script}</script>"
        f'<script async src="{LOGGER_V2}" {attributes}></script></head>'
        f"<body>{_BUTTONS}{body}</body>"
    )


# What a page calls, in the order in which it is told of it.
TELL = """
const told = [];
const tell = (what) => () => { told.push(what); };
const onerror = async (error) => {
    const detail = error.detail instanceof Response
        ? { status: error.detail.status, text: await error.detail.text() }
        : error.detail;
    told.push({ type: error.type, detail });
};
"""


def told(page, count):
    """What the page was told, once it is so much."""
    wait_for(page, f"told.length >= {count}")
    return page.evaluate("told")


def errors(page, count):
    """What went wrong in the page, once it is so much; it is told while Playwright is at work."""
    wait_until(lambda: page.wait_for_timeout(30) or len(page.errors) >= count)
    return page.errors


def activities():
    return Activity.objects.order_by("pk")
