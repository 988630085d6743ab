"""The tracker's file and its addresses."""

import gzip

import pytest
from django.template import Context, Template, TemplateSyntaxError

from crosssite import snippet
from crosssite.tracker import tracker_source

pytestmark = pytest.mark.django_db

STABLE = [
    "/Kentico.Resource/CrossSiteTracking/Logger.js",
    "/Kentico.Resource/Activities/KenticoActivityLogger/LoggerV2.js",
]


def test_the_tracker_is_small():
    source, _ = tracker_source()

    assert len(gzip.compress(source, 9)) < 7 * 1024


@pytest.mark.parametrize("address", STABLE)
def test_the_stable_address_leads_to_the_version_of_today(client, address):
    response = client.get(address, headers={"Host": "localhost"})

    _, version = tracker_source()
    assert response.status_code == 302
    assert response["Location"] == f"{address.rpartition('/')[0]}/{version}.js"
    assert response["Cache-Control"] == "public, max-age=300"


@pytest.mark.parametrize("address", STABLE)
def test_the_versioned_address_is_kept_for_ever(client, address):
    response = client.get(address, follow=True, headers={"Host": "localhost"})

    source, version = tracker_source()
    assert response.content == source
    assert response["Content-Type"] == "text/javascript; charset=utf-8"
    assert response["ETag"] == f'"{version}"'
    assert response["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response["X-Content-Type-Options"] == "nosniff"


def address_of(version):
    return f"/Kentico.Resource/CrossSiteTracking/{version}.js"


@pytest.mark.parametrize("sent", ['"{}"', 'W/"{}"', '"other", "{}"', "*"])
def test_who_has_it_already_does_not_get_it_again(client, sent):
    _, version = tracker_source()

    response = client.get(
        address_of(version), headers={"Host": "localhost", "If-None-Match": sent.format(version)}
    )

    assert (response.status_code, response.content) == (304, b"")
    assert response["ETag"] == f'"{version}"'
    assert response["Cache-Control"] == "public, max-age=31536000, immutable"


def test_an_older_version_is_answered_and_not_kept(client):
    source, version = tracker_source()

    response = client.get(
        address_of("0" * 16), headers={"Host": "localhost", "If-None-Match": f'"{version}"'}
    )

    assert (response.status_code, response.content) == (200, source)
    assert response["Cache-Control"] == "public, max-age=300"


@pytest.mark.parametrize(
    "query",
    ["?name=alert(1)//", "?loggingFunctionName=x%27;alert(1)//", "?pageIdentifier=<script>"],
)
@pytest.mark.parametrize("address", STABLE)
def test_nothing_of_the_request_is_echoed_into_the_script(client, address, query):
    response = client.get(address + query, follow=True, headers={"Host": "localhost"})

    source, _ = tracker_source()
    assert response.content == source


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_the_script_is_only_read(client, method):
    assert getattr(client, method)(STABLE[0], headers={"Host": "localhost"}).status_code == 405


def test_a_version_is_a_slug(client):
    response = client.get(address_of("%3Cscript%3E"), headers={"Host": "localhost"})

    assert response.status_code == 404


NO_NAMES = ["", "alert(1)//", "x;alert(1)", "a-b", "1a", "a.b", "x'y", "</script>", "kxt\n", "ä"]
NO_NAMES += ["class", "a b"]


@pytest.mark.parametrize("name", NO_NAMES)
def test_no_snippet_is_made_with_a_name_that_is_none(name):
    with pytest.raises(ValueError, match="cannot be the name"):
        snippet.render("https://main.example", name)
    with pytest.raises(ValueError, match="cannot be the name"):
        snippet.render_consent_first("https://main.example", "Consent", function_name=name)


@pytest.mark.parametrize("name", NO_NAMES)
def test_no_main_site_has_a_function_with_a_name_that_is_none(name):
    page = Template("{% load crosssite %}{% tracking_script function_name=name %}")

    with pytest.raises(TemplateSyntaxError):
        page.render(Context({"name": name}))


@pytest.mark.parametrize("name", ["kxt", "customtracker", "$", "_a1"])
def test_other_names_are_echoed_as_they_are(name):
    page = Template("{% load crosssite %}{% tracking_script function_name=name %}")

    assert f"'{name}');" in snippet.render("https://main.example", name)
    assert name in page.render(Context({"name": name}))
