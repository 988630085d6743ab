"""The code that a tracked site is given."""

import json
import re
import shutil
import subprocess

import pytest

from adminsite.formatting import change_url
from crosssite import snippet
from tests.admin.history import NASTY
from tests.admin.sites import codes_on, make_site, make_website
from tests.factories import make_consent

pytestmark = pytest.mark.django_db


def test_the_snippet_is_the_documented_one():
    assert snippet.render("https://domain.com") == (
        """<script type="text/javascript">
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
    })(window, document, 'script', 'https://domain.com', 'kxt');

    // Logs a page visit
    kxt('pagevisit');
</script>
"""
    )


def test_the_snippet_calls_the_chosen_function():
    code = snippet.render("https://domain.com", "customtracker")

    assert "'https://domain.com', 'customtracker');" in code
    assert "customtracker('pagevisit');" in code
    assert "kxt" not in code


@pytest.mark.parametrize("name", ["kxt", "$", "_", "a1", "customTracker", "$_$"])
def test_names_of_functions_are_accepted(name):
    assert f"{name}('pagevisit');" in snippet.render("https://domain.com", name)


def test_the_snippet_with_consent_asks_before_it_records():
    code = snippet.render_consent_first("https://domain.com", "MyConsent", language="de")

    order = ["init", "consentdefault", "consentdata", "consentcontactstatus", "pagevisit"]
    places = [code.index(f"('{command}'") for command in order]
    assert places == sorted(places)
    assert code.count("codeName: 'MyConsent'") == 4
    assert "languageName: 'de'" in code
    assert "kxt('consentagree'" in code
    assert "kxt('consentrevoke'" in code
    for element in ("lblConsentText", "btnConsentAgree", "btnConsentRevoke"):
        assert f'id="{element}"' in snippet.CONSENT_BANNER
        assert f"getElementById('{element}')" in code


@pytest.mark.parametrize(
    "text", ["</script>", "'", '"', "\\", "\\'", "a\nb", "\u2028", "<!--", NASTY]
)
def test_what_is_put_into_the_script_stays_text(text):
    code = snippet.render_consent_first(text, text)

    literals = re.findall(r"codeName: ('.*'),\n", code)
    assert len(literals) == 4
    assert code.count("<") == 2  # of the script element itself
    if node := shutil.which("node"):
        shown = subprocess.run(
            [node, "-e", f"process.stdout.write(JSON.stringify({literals[0]}))"],
            capture_output=True,
            check=True,
        )
        assert json.loads(shown.stdout) == text


def test_the_page_shows_both_snippets_escaped(admin_client):
    consent = make_consent("MyConsent", default_language="de", texts={"de": "Dürfen wir?"})
    site = make_site(make_website(tracking_consent=consent))

    response = admin_client.get(change_url(site))

    assert "<code>&lt;div id=" in response.text
    assert "&lt;script type=&quot;text/javascript&quot;&gt;" in response.text
    assert codes_on(response) == [
        snippet.render("https://www.example.com"),
        snippet.render_consent_first("https://www.example.com", "MyConsent", language="de"),
        snippet.CONSENT_BANNER,
        snippet.render("https://www.example.com"),  # for tag managers
    ]


def test_the_page_says_that_the_channel_has_no_consent(admin_client):
    site = make_site()

    response = admin_client.get(change_url(site))

    assert "has no tracking consent yet" in response.text
    assert f'href="{change_url(site.channel)}">Choose a tracking consent' in response.text
    assert set(codes_on(response)) == {snippet.render("https://www.example.com")}


def test_the_snippet_of_a_local_main_site_needs_no_certificate(admin_client):
    site = make_site(make_website(domain="main.localhost:8000"))

    assert "'http://main.localhost:8000'" in codes_on(admin_client.get(change_url(site)))[0]
