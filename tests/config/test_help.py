"""The help: every document is there, its links lead somewhere, and pages know theirs."""

import re

import pytest
from django.contrib import admin
from django.urls import reverse

from config.help.documents import DOCS, paths, read
from config.help.topics import ORDER, topic_of

pytestmark = pytest.mark.django_db

DOCUMENTS = sorted(path for path in paths() if path.endswith(".md"))
ADDRESS = re.compile(r'(?:href|src)="([^"]*)"')


def url_of(path):
    return reverse("help-page", args=[path])


def anchors_of(path):
    html = read(path, url_of).html
    return set(re.findall(r'<h[23] id="([^"]+)"', html))


def test_the_overview_leads_to_every_document(admin_client):
    html = admin_client.get(reverse("help")).text

    listed = {f"{name}.md" for _, names in ORDER for name in names}
    assert listed == {path for path in DOCUMENTS if "/" not in path}
    assert all(url_of(path) in html for path in listed)


@pytest.mark.parametrize("path", DOCUMENTS)
def test_a_document_is_a_page_whose_links_lead_somewhere(admin_client, path):
    response = admin_client.get(url_of(path))

    assert response.status_code == 200
    for address in ADDRESS.findall(read(path, url_of).html):
        if address.startswith("http"):
            continue
        target, _, anchor = address.partition("#")
        file = target.removeprefix(reverse("help")) if target else path
        assert file in paths(), address
        assert not anchor or anchor in anchors_of(file), address


def test_a_document_has_its_title_once_and_no_list_of_contents_of_its_own():
    document = read("groups.md", url_of)

    assert document.title == "Contact groups"
    assert "<h1" not in document.html
    assert 'href="#conditions"' not in document.html.split("<h2")[0]
    assert "conditions" in [heading.anchor for heading in document.headings]


def test_a_picture_is_a_picture_and_an_example_is_text(admin_client):
    picture = admin_client.get(url_of("images/group-why.png"))
    example = admin_client.get(url_of("examples/external-site.html"))

    assert picture["Content-Type"] == "image/png"
    assert b"".join(picture.streaming_content) == (DOCS / "images/group-why.png").read_bytes()
    assert example["Content-Type"] == "text/plain; charset=utf-8"
    picture.close()
    example.close()


@pytest.mark.parametrize("path", ["../manage.py", "nothing.md", "images", "%00", "a/../groups.md"])
def test_what_is_no_document_is_not_served(admin_client, path):
    assert admin_client.get(f"{reverse('help')}{path}").status_code == 404


def test_help_is_for_users_of_the_admin(client):
    assert client.get(reverse("help")).status_code == 302


def test_each_page_of_the_admin_has_a_document_about_it(admin_client):
    for model in admin.site._registry:
        path, _, anchor = topic_of(model._meta.label_lower).partition("#")
        assert path in DOCUMENTS, model
        assert not anchor or anchor in anchors_of(path), model


def test_a_page_leads_to_its_help(admin_client):
    html = admin_client.get(reverse("admin:groups_contactgroup_changelist")).text

    assert f'href="{url_of("groups.md")}"' in html
    assert "Help about this page" in html
