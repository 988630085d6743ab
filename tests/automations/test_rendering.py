"""Emails from templates: blocks as HTML and text, escaped by place, and blocks that cannot be."""

import re
from html.parser import HTMLParser

import pytest

from automations.emails.blocks import InvalidTemplate, read_blocks
from automations.emails.links import Links
from automations.emails.rendering import event_names_in, render
from automations.emails.values import CannotRender, EventValue, Missing, Values
from automations.models import Template

FILE = "file download request"
URL = "https://www.example.com/downloads/file.pdf?a=1&b=2"
ANN = Values({"first_name": "Ann", "last_name": "", "notes": "<script>alert(1)</script>"}).of_run(
    EventValue(FILE, URL)
)
LINKS = Links(unsubscribe="https://h.example/u?a=1&b=2", preferences="https://h.example/p")


def template_of(*blocks, **fields):
    """A template that is not saved."""
    return Template(
        **{"code_name": "x", "name": "X", "subject": "Hello", "blocks": blocks, **fields}
    )


def rendered(*blocks, values=ANN, links=LINKS, **fields):
    return render(template_of(*read_blocks(blocks), **fields), values, links)


class Html(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.hrefs, self.sources, self.tags = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        given = dict(attrs)
        self.hrefs += [given["href"]] if "href" in given else []
        self.sources += [given["src"]] if "src" in given else []


HEADING = {"type": "heading", "text": "Hello {{ contact.first_name | default: 'there' }}"}
TEXT = {"type": "text", "html": "<p>It is <b>here</b>:</p>"}
BUTTON = {"type": "button", "label": "Download", "url": f"%EVENT: {FILE}%"}
IMAGE = {"type": "image", "url": "https://x.example/a.png", "alt": "A cat", "width": 200}
COLUMNS = {"type": "columns", "columns": [[HEADING], [TEXT, BUTTON]]}


# What an email looks like


def test_the_email_of_the_seeds_story_has_the_very_link():
    email = rendered(HEADING, TEXT, BUTTON, subject="Your file, {{ contact.first_name }}")

    assert email.subject == "Your file, Ann"
    assert Html(email.html).hrefs == [URL]
    assert "Hello Ann" in email.html
    assert email.text == f"Hello Ann\n\nIt is here:\n\nDownload: {URL}\n"


def test_every_block_is_in_both_parts():
    email = rendered(
        *(HEADING, TEXT, BUTTON, {"type": "divider"}, IMAGE, COLUMNS),
        {"type": "footer", "text": "Alder Bank\nMain Street"},
        preheader="Behind the subject",
    )

    assert email.preheader == "Behind the subject"
    assert email.html.count("<h1>") == 1
    assert email.html.count("<h2>") == 1
    assert "Behind the subject" in email.html
    assert "Alder Bank<br>Main Street" in email.html
    assert Html(email.html).sources == ["https://x.example/a.png"]
    for part in ("Hello Ann", "---", "[A cat]", "Alder Bank\nMain Street"):
        assert part in email.text


def test_recipients_load_nothing_from_others():
    html = rendered(HEADING, TEXT, BUTTON, COLUMNS).html

    assert "fonts.googleapis.com" not in html
    assert "@import" not in html
    assert "<link" not in html
    assert Html(html).sources == []


def test_an_email_has_colours_for_dark_mode():
    html = rendered(HEADING).html

    _, style = html.split("@media (prefers-color-scheme: dark)")
    for name in ("hub-body", "hub-section", "hub-text"):
        assert f".{name}" in style
        assert f'class="{name}"' in html
    assert '<meta name="color-scheme" content="light dark"' in html


def test_html_becomes_text_with_its_links_written_out():
    html = (
        '<h2>News</h2><p>See <a href="https://x.example/?a=1&amp;b=2">this</a><br>and '
        '<a href="https://y.example">https://y.example</a>.</p><ul><li>one</li><li>two</li></ul>'
        "<p>1 &lt; 2</p>"
    )

    assert rendered({"type": "text", "html": html}).text == (
        "News\n\nSee this: https://x.example/?a=1&b=2\nand https://y.example.\n\n"
        "- one\n- two\n\n1 < 2\n"
    )


# Escaping


def test_values_are_escaped_in_every_place_of_a_template():
    evil = '"><script>alert(1)</script>\r\nBcc: all@example.com'
    values = Values({"notes": evil, "first_name": evil}).of_run(
        EventValue(FILE, f"https://x/{evil}")
    )
    email = rendered(
        {"type": "heading", "text": "{{ contact.notes }}"},
        {
            "type": "text",
            "html": '<p title="x">{{ contact.notes }} <a '
            'href="https://x.example/?q={{ contact.notes }}" '
            'title="{{ contact.notes }}">{{ contact.notes }}</a></p>',
        },
        {"type": "button", "label": "{{ contact.notes }}", "url": f"%EVENT: {FILE}%"},
        {"type": "image", "url": f"%EVENT: {FILE}%", "alt": "{{ contact.notes }}"},
        {"type": "footer", "text": "{{ contact.notes }}"},
        values=values,
        subject="A {{ contact.notes }}",
        preheader="{{ contact.notes }}",
    )

    assert "script" not in Html(email.html).tags
    assert '"><script' not in email.html
    assert "\n" not in email.subject + email.preheader
    assert "\r" not in email.subject + email.preheader
    assert email.subject.startswith('A "><script>')
    assert all(re.fullmatch(r"https://\S+", url) for url in Html(email.html).hrefs)


def test_what_marketers_write_without_html_is_shown_as_it_is():
    email = rendered(
        {"type": "heading", "text": "1 < 2 & <b>"},
        {"type": "button", "label": "<i>", "url": "https://x.example/?a=1&b=2"},
        {"type": "image", "url": "https://x.example/", "alt": '"<u>"'},
        {"type": "footer", "text": "<s>"},
        preheader="<em>",
    )

    assert not {"b", "i", "u", "s", "em"} & set(Html(email.html).tags)
    assert "1 &lt; 2 &amp; &lt;b&gt;" in email.html
    assert "1 < 2 & <b>" in email.text
    assert Html(email.html).hrefs == ["https://x.example/?a=1&b=2"]


@pytest.mark.parametrize("type", ["button", "image", "text"])
def test_no_data_makes_a_link_that_runs_something(type):
    blocks = {
        "button": {"type": "button", "label": "x", "url": f"%EVENT: {FILE}%"},
        "image": {"type": "image", "url": f"%EVENT: {FILE}%"},
        "text": {"type": "text", "html": f'<a href="%EVENT: {FILE}%">x</a>'},
    }

    with pytest.raises(CannotRender, match="no address that an email can have"):
        rendered(blocks[type], values=Values().of_run(EventValue(FILE, "javascript:alert(1)")))


def test_a_picture_is_no_mailbox():
    with pytest.raises(CannotRender):
        rendered(
            {"type": "image", "url": f"%EVENT: {FILE}%"},
            values=Values().of_run(EventValue(FILE, "mailto:a@example.com")),
        )


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ("<p onclick='x()'>a</p>", "<p>a</p>"),
        ("a<script>alert(1)</script>", "a"),
        ('<a href="javascript:alert(1)">a</a>', "<a>a</a>"),
        ("<img src=x onerror=alert(1)>a", "a"),
        ("<style>a{}</style>a", "a"),
        ('<p style="x">a</p>', "<p>a</p>"),
        ("<form><input>a</form>", "a"),
        ("{<x></x>{ contact.notes }}", "{&#123; contact.notes }}"),
        ("&#123;&#123; contact.notes }}", "{&#123; contact.notes }}"),
        ("&#123;% include 'x' %}", "&#123;% include 'x' %}"),
        ('<a href="{{ contact.notes | default: "https://x.example" }}">a</a>', None),
        ("{% if contact.zip > '5' %}<b>a</b>{% endif %}", None),
    ],
)
def test_html_is_cleaned_once_and_for_all(html, kept):
    [block] = read_blocks([{"type": "text", "html": html}])

    assert kept is None or block["html"] == kept
    assert read_blocks([block]) == [block]


def test_braces_that_html_wrote_otherwise_are_no_places():
    email = rendered({"type": "text", "html": "&#123;&#123; contact.notes }} {<x></x>% if %}"})

    assert email.text == "{{ contact.notes }} {% if %}\n"


# Links of an email's own


def test_an_email_that_needs_a_consent_always_has_its_links():
    for blocks in ([TEXT], [TEXT, {"type": "footer", "text": "Bye", "unsubscribe": "Abmelden"}]):
        email = rendered(*blocks, consent_id=1)

        assert Html(email.html).hrefs == [LINKS.unsubscribe, LINKS.preferences]
        assert f": {LINKS.unsubscribe}" in email.text
        assert f"Your preferences: {LINKS.preferences}" in email.text
    assert "Abmelden</a>" in email.html
    assert LINKS.unsubscribe not in rendered(TEXT).html


def test_only_links_to_pages_are_counted_and_only_in_html():
    text = {
        "type": "text",
        "html": '<a href="https://a.example/">a</a><a href="mailto:a@example.com">b</a>',
    }
    links = Links(
        "https://h/u", "https://h/p", "https://h/o.gif", lambda url: f"https://h/c?{len(url)}"
    )
    email = rendered(text, BUTTON, IMAGE, links=links, consent_id=1)

    assert Html(email.html).hrefs == [
        "https://h/c?18",
        "mailto:a@example.com",
        f"https://h/c?{len(URL)}",
        "https://h/u",
        "https://h/p",
    ]
    assert Html(email.html).sources == [IMAGE["url"], "https://h/o.gif"]
    assert "https://h/c" not in email.text
    assert "gif" not in email.text


def test_a_link_confirms_a_consent():
    links = Links("", "", confirm=lambda code_name: f"https://h.example/confirm/{code_name}")
    email = rendered(
        {"type": "button", "label": "Yes", "url": "{{ confirm.Newsletter }}"}, links=links
    )

    assert Html(email.html).hrefs == ["https://h.example/confirm/Newsletter"]


# What holds an email back


def test_a_missing_value_holds_the_email_back_with_its_name():
    for block, name in (
        ({"type": "heading", "text": "{{ contact.last_name }}"}, "last name"),
        ({"type": "button", "label": "x", "url": "%EVENT: brochure%"}, "brochure"),
    ):
        with pytest.raises(Missing, match=name):
            rendered(block)


def test_a_subject_of_nothing_holds_the_email_back():
    with pytest.raises(CannotRender, match="subject is empty"):
        rendered(subject="{% if contact.last_name %}Hello{% endif %}")


def test_templates_that_nobody_could_have_saved_hold_their_emails_back():
    for broken in (
        template_of({"type": "moon"}),
        template_of({"type": "heading", "text": "{% frobnicate %}"}),
        template_of(subject="{{ password }}"),
        template_of({"type": "text", "html": "{% for i in (1..10000000) %}x{% endfor %}"}),
    ):
        with pytest.raises(CannotRender):
            render(broken, ANN, LINKS)


def test_the_names_of_a_templates_events_are_those_of_all_its_places():
    template = template_of(
        BUTTON, {"type": "text", "html": "<p>%EVENT: r&amp;d%</p>"}, subject="%event:subject%"
    )

    assert event_names_in(template) == {FILE, "r&d", "subject"}


# Blocks


@pytest.mark.parametrize(
    ("blocks", "said"),
    [
        ("text", "blocks: Must be a list of blocks."),
        ([{"type": "moon"}], "blocks[0].type: Must be one of: heading, text"),
        ([TEXT, {"type": "heading"}], "blocks[1].text: Is missing"),
        ([{"type": "heading", "text": "x", "html": "y"}], "blocks[0].html: Is no member"),
        ([{"type": "text", "html": "<script></script>"}], "blocks[0].html: Nothing is left"),
        ([{"type": "text", "html": "a\n{% frobnicate %}"}], "blocks[0].html: Line 2: “{% frob"),
        ([{"type": "button", "label": "x", "url": "example.com"}], "blocks[0].url: “example.com”"),
        (
            [{"type": "button", "label": "x", "url": "javascript:x"}],
            "blocks[0].url: “javascript:x”",
        ),
        ([{"type": "image", "url": "mailto:a@b.example"}], "blocks[0].url: “mailto:a@b.example”"),
        ([{**IMAGE, "width": 601}], "blocks[0].width: Must be a whole number from 1 to 600."),
        ([{"type": "columns", "columns": [[]]}], "blocks[0].columns: There are two or three"),
        ([{"type": "columns", "columns": [[COLUMNS], []]}], "blocks[0].columns[0][0].type: Must"),
        ([{"type": "columns", "columns": [[{"type": "heading", "text": "{{ x"}], []]}], "[0].text"),
        ([{"type": "divider"}] * 101, "blocks: An email has at most 100 blocks."),
        ([COLUMNS] * 34, "blocks: An email has at most 100 blocks."),
        ([{"type": "text", "html": "x" * 15_000}] * 21, "blocks: All texts together are longer"),
        ([{"type": "text", "html": "x" * 20_001}], "blocks[0].html: Has at most 20,000"),
        ([{"type": "heading", "text": "a\0b"}], "blocks[0].text: Contains a character"),
    ],
)
def test_blocks_that_cannot_be_are_refused_with_their_place(blocks, said):
    with pytest.raises(InvalidTemplate) as caught:
        read_blocks(blocks)

    assert said in str(caught.value)


def test_the_normal_form_of_blocks_leaves_out_what_is_standard():
    assert read_blocks([HEADING, TEXT, BUTTON, IMAGE, COLUMNS]) == [
        HEADING,
        TEXT,
        BUTTON,
        IMAGE,
        COLUMNS,
    ]
    assert read_blocks([{"type": "footer", "unsubscribe": "Unsubscribe", "text": ""}]) == [
        {"type": "footer"}
    ]
