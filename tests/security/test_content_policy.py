"""The Content-Security-Policy of every kind of page. tests/browser looks for violations."""

import re

import pytest
from django.template import Context, Template
from django.test import Client, RequestFactory
from django.urls import reverse

from config import settings as project_settings
from tests.demo.test_demo_websites import demo, get

pytestmark = pytest.mark.django_db
assert demo  # a fixture

PAGES = [
    ("main.localhost", "/"),
    ("main.localhost", "/loans/"),
    ("main.localhost", "/contact/"),
    ("homes.localhost", "/"),
    ("homes.localhost", "/riverside/"),
    ("homes.localhost", "/viewing/"),
    ("magazine.localhost", "/"),
]


def policy_of(response):
    header = response.headers["Content-Security-Policy"]
    return {name: sources for name, *sources in map(str.split, header.split(";"))}


@pytest.mark.parametrize("path", ["/admin/", "/admin/auth/user/", "/admin/nowhere/"])
def test_the_admin_allows_what_unfold_needs_and_no_more(admin_client, path):
    policy = policy_of(admin_client.get(path))

    assert policy["script-src"] == ["'self'", "'unsafe-eval'"]
    assert policy["style-src"] == ["'self'", "'unsafe-inline'"]
    assert policy["default-src"] == policy["form-action"] == ["'self'"]
    for name in ("object-src", "base-uri", "frame-ancestors"):
        assert policy[name] == ["'none'"]


@pytest.mark.parametrize("path", [reverse("api-docs"), "/nowhere"])
def test_other_pages_allow_neither(client, path):
    response = client.get(path)

    assert "unsafe" not in response.headers["Content-Security-Policy"]
    assert policy_of(response)["default-src"] == ["'self'"]


def test_the_docs_page_has_nothing_of_its_own_to_run(client):
    html = client.get(reverse("api-docs")).text

    assert re.findall(r"<script(?![^>]* src=)|<style| style=| on\w+=", html) == []
    assert "<script" in html


def test_what_is_no_page_has_no_policy(client):
    assert "Content-Security-Policy" not in client.get("/health/live").headers


@pytest.mark.parametrize(("host", "path"), PAGES)
def test_all_scripts_and_styles_of_the_demo_have_the_nonce_of_the_answer(demo, host, path):
    response = get(host, path)

    policy, html = policy_of(response), response.text
    elements = re.findall(r"<(?:script|style)\b([^>]*)>", html)
    nonces = {re.search(r'nonce="([^"]+)"', element)[1] for element in elements}
    assert len(nonces) == 1
    nonce = f"'nonce-{nonces.pop()}'"
    hub = f"http://main.localhost:{project_settings.PORT}"
    assert policy["script-src"] == ["'self'", nonce, hub]
    assert policy["style-src"] == ["'self'", nonce]
    assert policy["connect-src"] == ["'self'", hub]
    assert re.findall(r"<[^>]+ (?:style|on\w+)=", html) == []
    again = policy_of(get(host, path, client=Client()))
    assert nonce not in again["script-src"]


def test_the_template_tag_takes_a_nonce_that_is_made_when_it_is_read():
    class Lazy:
        def __bool__(self):
            return False

        def __str__(self):
            return "abc"

    request = RequestFactory().get("/")
    request.csp_nonce = Lazy()
    tag = "{% load crosssite %}{% tracking_script nonce=request.csp_nonce %}"

    html = Template(tag).render(Context({"request": request}))

    assert html.count('nonce="abc"') == html.count("<script") == 2
