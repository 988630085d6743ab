"""Tracked sites in the admin: the form and the list."""

import pytest
from django.urls import reverse

from adminsite.formatting import change_url, changelist_url
from contacts.models import Contact
from crosssite import snippet
from crosssite.models import BrowserHits, TrackedSite
from tests.admin.sites import ADD_URL, URL, codes_on, make_site, make_website
from tests.factories import make_activity, make_channel, make_consent

pytestmark = pytest.mark.django_db


def site_form(channel, **fields):
    return {
        "name": "Shop",
        "code_name": "shop",
        "url": URL,
        "description": "",
        "channel": channel.pk if channel else "",
        "enabled": "on",
        **fields,
    }


def test_the_only_website_channel_is_chosen_already(admin_client):
    make_channel(kind="headless")
    channel = make_website()

    html = admin_client.get(ADD_URL).text

    assert f'<option value="{channel.pk}" selected>' in html


def test_a_new_site_leads_to_its_snippet(admin_client):
    channel = make_website()

    response = admin_client.post(ADD_URL, site_form(channel))

    site = TrackedSite.objects.get()
    assert response.url == f"{change_url(site)}#snippet"
    assert snippet.render("https://www.example.com") in codes_on(admin_client.get(change_url(site)))


@pytest.mark.parametrize(
    ("given", "saved"),
    [
        ("https://shop.example.com", "https://shop.example.com"),
        (" HTTPS://Shop.EXAMPLE.com ", "https://shop.example.com"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("http://shop.localhost:8001", "http://shop.localhost:8001"),
        ("http://localhost", "http://localhost"),
        ("https://shop.example.com/ ", "https://shop.example.com"),
    ],
)
def test_a_url_is_saved_as_browsers_write_it(admin_client, given, saved):
    admin_client.post(ADD_URL, site_form(make_website(), url=given))

    assert TrackedSite.objects.get().url == saved


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("", "This field is required."),
        ("shop.example.com", "Tracked sites need HTTPS: start with https://."),
        ("http://shop.example.com", "Tracked sites need HTTPS: start with https://."),
        ("ftp://shop.example.com", "Tracked sites need HTTPS: start with https://."),
        ("javascript:alert(1)", "Tracked sites need HTTPS: start with https://."),
        ("https://shop.example.com//", "Leave out everything after the domain."),
        ("https://shop.example.com/de", "Leave out everything after the domain."),
        ("https://shop.example.com?a=b", "Leave out everything after the domain."),
        ("https://shop.example.com#", "Leave out everything after the domain."),
        ("https://shop.example.com:8443", "Leave out the port."),
        ("https://shop.example.com:", "This is not the domain of a website."),
        ("https://me:pw@shop.example.com", "This is not the domain of a website."),
        ("https://*.example.com", "This is not the domain of a website."),
        ("https://shop example.com", "This is not the domain of a website."),
        ("https://shop..example.com", "This is not the domain of a website."),
        ("https://shop.example.com\\", "This is not the domain of a website."),
        ("https://", "This is not the domain of a website."),
        ("https://shop", "This is not the domain of a website."),
        ("https://[::1", "This is not a URL."),
        (f"https://{'ü' * 70}.example", "This is not the domain of a website."),
        (f"https://{'a.' * 200}example", "Ensure this value has at most 400 characters"),
        ("https://www.example.com", "This is the main site of the channel: it is tracked anyway."),
    ],
)
def test_a_bad_url_is_refused_at_its_field(admin_client, url, error):
    response = admin_client.post(ADD_URL, site_form(make_website(), url=url))

    assert response.status_code == 200
    errors = response.context["adminform"].form.errors
    assert set(errors) == {"url"}
    (message,) = errors["url"]
    assert message.startswith(error)
    assert not TrackedSite.objects.exists()


def test_a_second_site_with_the_same_url_is_refused(admin_client):
    site = make_site()

    response = admin_client.post(ADD_URL, site_form(site.channel, code_name="other"))

    assert "This channel has a tracked site with this URL already." in response.text


def test_a_site_belongs_to_a_website_channel(admin_client):
    response = admin_client.post(ADD_URL, site_form(make_channel()))

    assert "channel" in response.context["adminform"].form.errors


def test_pages_ask_for_a_website_channel_while_there_is_none(admin_client):
    make_channel()
    link = f"{reverse('admin:channels_channel_add')}?kind=website"

    assert link in admin_client.get(ADD_URL).text
    assert link in admin_client.get(changelist_url(TrackedSite)).text

    make_website()
    assert link not in admin_client.get(ADD_URL).text
    assert "No tracked sites yet" in admin_client.get(changelist_url(TrackedSite)).text


def test_a_site_in_use_is_not_deleted(admin_client):
    site = make_site()
    make_activity(channel=site.channel, tracked_site=site)

    response = admin_client.post(f"{change_url(site)[:-7]}delete/", {"post": "yes"}, follow=True)

    assert "Disable it instead" in response.text
    assert TrackedSite.objects.exists()


def test_an_unused_site_is_deleted(admin_client):
    site = make_site()

    admin_client.post(f"{change_url(site)[:-7]}delete/", {"post": "yes"})

    assert not TrackedSite.objects.exists()


def test_a_site_is_disabled_in_the_list(admin_client):
    site = make_site()
    form = {
        "form-TOTAL_FORMS": 1,
        "form-INITIAL_FORMS": 1,
        "form-0-id": site.pk,
        "_save": "Save",
    }

    admin_client.post(changelist_url(TrackedSite), form)

    site.refresh_from_db()
    assert not site.enabled


def test_the_snippet_that_fits_the_site_comes_first(admin_client):
    asked = make_site(make_website(tracking_consent=make_consent(), domain="a.example"))
    free = make_site(
        make_website(domain="b.example"), url="https://shop.b.example", code_name="free"
    )

    with_consent, without = (admin_client.get(change_url(site)).text for site in (asked, free))

    assert "{ shown: 'consent' }" in with_consent
    assert with_consent.index(">With consent first<") < with_consent.index(">Without asking<")
    assert "{ shown: 'plain' }" in without
    assert without.index(">Snippet<") < without.index(">With consent first<")
    assert "kxt(&#x27;consentagree&#x27;" in with_consent or "kxt('consentagree'" in with_consent


def test_a_test_shows_whether_pages_of_the_site_are_let_in(admin_client, settings):
    site = make_site(make_website())
    url = reverse("admin:crosssite_trackedsite_test", args=[site.pk])

    page = admin_client.post(url)

    assert "answered 200" in page.text
    assert f"Access-Control-Allow-Origin: {site.url}" in page.text
    assert not Contact.objects.exists()
    assert not BrowserHits.objects.exists()


def test_a_test_of_a_disabled_site_shows_the_refusal(admin_client):
    site = make_site(make_website(), enabled=False)

    page = admin_client.post(reverse("admin:crosssite_trackedsite_test", args=[site.pk]))

    assert "answered 403" in page.text
    assert "unknown_origin" in page.text


def test_a_test_is_for_users_who_may_see_sites(client, django_user_model):
    site = make_site(make_website())
    client.force_login(django_user_model.objects.create(username="x", is_staff=True))
    url = reverse("admin:crosssite_trackedsite_test", args=[site.pk])

    assert client.post(url).status_code == 403
    assert client.get(url).status_code == 405
