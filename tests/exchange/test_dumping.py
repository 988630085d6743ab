"""What a dump writes, and that it loads unchanged."""

import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activities.event_names import make_type
from activities.models import ActivityType
from automations.models import Automation, Template
from channels.models import Channel
from consents.models import Consent
from crosssite.models import TrackedSite
from destinations.models import Destination
from exchange.dumping import dump, file_name
from exchange.kinds import Kind
from exchange.loading import load
from groups.models import ContactGroup
from groups.saving import save_group
from tests.exchange.conftest import run
from tests.factories import make_activity_type, make_channel, make_consent, make_rule

pytestmark = pytest.mark.django_db


def texts_of(folder):
    return {
        str(file.relative_to(folder)): file.read_text() for file in sorted(folder.rglob("*.yaml"))
    }


def forget_everything():
    """Empty the hub, but for what every hub has."""
    Automation.objects.all().delete()
    Destination.objects.all().delete()
    Template.objects.all().delete()
    ContactGroup.objects.all().delete()
    TrackedSite.objects.all().delete()
    Channel.objects.all().delete()
    Consent.objects.all().delete()
    ActivityType.objects.filter(is_system=False).delete()


def test_each_object_is_a_file(tmp_path):
    make_consent("TrackingConsent", name="Tracking", texts={"en": "<p>May\nwe?</p>"})

    assert json.loads(run("dump_config", tmp_path / "new" / "folder")) == {"files": 5}

    folder = tmp_path / "new" / "folder"
    assert (folder / "consent" / "TrackingConsent.yaml").read_text() == (
        "kind: consent\n"
        "code_name: TrackingConsent\n"
        "name: Tracking\n"
        "default_language: en\n"
        "older_versions_count: true\n"
        "texts:\n"
        "  en:\n"
        "    short: |-\n"
        "      <p>May\n"
        "      we?</p>\n"
        "    full: ''\n"
    )
    assert len(list((folder / "activity_type").iterdir())) == 4


def test_secrets_are_not_dumped(tmp_path):
    channel = make_channel()

    run("dump_config", tmp_path)

    text = "".join(texts_of(tmp_path).values())
    assert channel.account_id in text
    assert channel.event_key not in text
    assert channel.source_key not in text
    assert "event_key" not in text
    assert "source_key" not in text


@pytest.mark.parametrize(
    "code_name",
    [
        "file download request",
        "a/b",
        "../../etc/passwd",
        "..",
        ".hidden",
        "a\\b:c*d?",
        "Größe",
        "x" * 250,
        "é" * 250,
        "con",
        "a%2fb",
        "ends.",
        "tl\u202ename"[:2],
    ],
)
def test_any_code_name_is_a_file_that_loads(tmp_path, code_name):
    make_type(code_name, door="activecampaign")

    written, _ = dump(tmp_path)

    assert len(written) == 5
    assert all(file.parent == tmp_path / "activity_type" for file in written)
    assert all(len(file.name) <= 150 and file.name.isascii() for file in written)
    assert len(load([tmp_path]).unchanged) == 5
    ActivityType.objects.filter(is_system=False).delete()
    assert load([tmp_path]).created == [f"activity_type/{code_name}"]
    assert ActivityType.objects.get(code_name=code_name).door == "activecampaign"


def test_names_of_files_differ():
    names = ["a/b", "a%2fb", "a b", "a_b", *(f"{'x' * 240}{number}" for number in range(3))]

    assert len({file_name(name).lower() for name in names}) == len(names)


def test_a_dump_replaces_its_files_and_names_others(tmp_path, capsys):
    consent = make_consent("Mail")
    run("dump_config", tmp_path)
    Consent.objects.all().delete()
    capsys.readouterr()

    call_command("dump_config", tmp_path)

    output = capsys.readouterr()
    assert json.loads(output.out) == {"files": 4}
    assert output.err.startswith("consent/Mail.yaml: not of this dump, and left in ")
    assert load([tmp_path]).created == [f"consent/{consent.code_name}"]


def test_where_no_folder_can_be_the_command_says_so(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(CommandError, match=r"file: This is not a folder\."):
        run("dump_config", tmp_path / "file")
    with pytest.raises(
        CommandError, match=r"file/folder/activity_type/\w+\.yaml: Not a directory\."
    ):
        run("dump_config", tmp_path / "file" / "folder")


def test_what_is_made_during_a_dump_leaves_no_name_that_leads_nowhere(tmp_path, monkeypatch):
    read = Kind.objects

    def read_and_make_more(kind):
        rows = list(read(kind))
        if kind.name == "consent":
            condition = {"type": "consent", "consent": make_consent("New").code_name}
            rule = {"match": "all", "conditions": [condition]}
            save_group(ContactGroup(code_name="new", name="New", rule=rule))
        return rows

    with monkeypatch.context() as patch:
        patch.setattr(Kind, "objects", read_and_make_more)
        dump(tmp_path)

    forget_everything()
    assert load([tmp_path]).created == []


def test_many_objects_cost_as_many_queries_as_few(tmp_path):
    def queries():
        with CaptureQueriesContext(connection) as counted:
            dump(tmp_path)
        return len(counted)

    make_channel(tracking_consent=make_consent("a"))
    make_rule(make_activity_type())
    few = queries()
    for number in range(3):
        make_channel(tracking_consent=make_consent(f"consent-{number}"))
        make_rule(make_activity_type(f"custom_{number}"))

    assert queries() == few


NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40
).filter(lambda text: text.strip())
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60)
CODE_NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True)
FLAGS = st.booleans()


def unique(strategy, most=3):
    return st.lists(strategy, max_size=most, unique_by=str.lower)


@st.composite
def configurations(draw):
    """Objects of every kind, in any order, that name each other."""
    consents, channels, sites = draw(unique(CODE_NAMES)), draw(unique(CODE_NAMES)), []
    objects = []
    for name in consents:
        languages = draw(unique(st.sampled_from(["en", "de", "pt-BR", "no", "zh-Hant-TW"])))
        texts = {
            language: {"short": f"<p>x{draw(TEXTS)}</p>", "full": draw(TEXTS)}
            for language in languages
        }
        objects.append({"kind": "consent", "code_name": name, "name": draw(NAMES), "texts": texts})
    for number, name in enumerate(channels):
        consent = draw(st.sampled_from([None, *consents]))
        is_website = draw(FLAGS)
        objects.append(
            {
                "kind": "channel",
                "code_name": name,
                "name": draw(NAMES),
                "type": "website" if is_website else "headless",
                "domain": f"www{number}.example.com" if is_website else "",
                "tracking_consent": consent,
                "enforce_consent": consent is not None and draw(FLAGS),
                "agree_cookie_level": draw(st.sampled_from([200, 1000])),
                "allowed_origins": draw(
                    unique(st.sampled_from(["*", "a.example", "https://b.example"]))
                ),
                "source_enabled": draw(FLAGS),
            }
        )
        sites += [name] if is_website else []
    for number, name in enumerate(draw(unique(CODE_NAMES)) if sites else ()):
        objects.append(
            {
                "kind": "tracked_site",
                "code_name": name,
                "name": draw(NAMES),
                "url": f"https://shop{number}.example.com",
                "channel": draw(st.sampled_from(sites)),
                "description": draw(TEXTS),
                "enabled": draw(FLAGS),
            }
        )
    for name in draw(unique(CODE_NAMES.map("custom_{}".format))):
        rules = draw(unique(st.sampled_from(["amount", "no", "items.id", "é"])))
        objects.append(
            {
                "kind": "activity_type",
                "code_name": name,
                "name": draw(NAMES),
                "description": draw(TEXTS),
                "enabled": draw(FLAGS),
                "on_wrong": draw(st.sampled_from(["accept", "leave_out", "reject"])),
                "property_rules": [{"name": rule, "required": draw(FLAGS)} for rule in rules],
            }
        )
    groups = draw(unique(CODE_NAMES))
    for number, name in enumerate(groups):
        conditions = draw(st.lists(conditions_on(groups[:number], consents, channels), max_size=3))
        nested = {"match": "any", "conditions": conditions}
        objects.append(
            {
                "kind": "contact_group",
                "code_name": name,
                "name": draw(NAMES),
                "enabled": draw(FLAGS),
                "static": draw(FLAGS),
                "rule": {"match": "all", "conditions": [nested, *conditions]},
            }
        )
    templates = draw(unique(CODE_NAMES))
    for name in templates:
        objects.append(
            {
                "kind": "template",
                "code_name": name,
                "name": draw(NAMES),
                "subject": "Hello {{ contact.first_name | default: 'you' }}",
                "consent": draw(st.sampled_from([None, *consents])),
                "click_consent": draw(st.sampled_from([None, *consents])),
                "blocks": draw(st.lists(BLOCKS, max_size=3)),
            }
        )
    for name in draw(unique(CODE_NAMES)):
        rule = {"match": "any", "conditions": draw(st.lists(conditions_on(groups, consents, [])))}
        objects.append(
            {
                "kind": "automation",
                "code_name": name,
                "name": draw(NAMES),
                "description": draw(TEXTS),
                "enabled": draw(FLAGS),
                "runs": draw(st.sampled_from(["once", "many", "if_not_running"])),
                "trigger": {"type": "activity", "activities": ["no"], "rule": rule},
                "steps": draw(flows(templates, groups, rule)),
            }
        )
    for name in draw(unique(CODE_NAMES)):
        rule = {"match": "any", "conditions": draw(st.lists(conditions_on(groups, consents, [])))}
        objects.append(
            {
                "kind": "destination",
                "code_name": name,
                "name": draw(NAMES),
                "enabled": draw(FLAGS),
                "dry": draw(FLAGS),
                "activities": draw(unique(st.sampled_from(["no", "purchase", "1.0"]))),
                "groups": groups,
                "consents": consents,
                "consent": draw(st.sampled_from([None, *consents])),
                "rule": draw(st.sampled_from([None, rule])),
                "fields": draw(st.sampled_from([None, [], ["zip", "city"]])),
                "email": draw(st.sampled_from(["plain", "sha256", "none"])),
                **draw(WAYS_OUT),
            }
        )
    return draw(st.permutations(objects))


WAYS_OUT = st.sampled_from(
    [
        {"type": "webhook", "url": "https://crm.example.com/", "method": "PUT"},
        {
            "type": "webhook",
            "url": "http://a.example/?b=%20c",
            "mapping": [
                {"to": "no", "value": "1.0"},
                {"flatten": True, "from": "data.properties", "to": "p.q"},
            ],
        },
        {"type": "segment", "credentials": {"write_key": "x"}},
        {"type": "ga4", "options": {"measurement_id": "G-ABC1234567"}},
        {"type": "mixpanel", "options": {"project": "77"}},
        {"type": "file", "options": {"folder": "no", "format": "ndjson"}},
    ]
)


BLOCKS = st.sampled_from(
    [
        {"type": "heading", "text": "Hello"},
        {"type": "text", "html": "<p>no</p>"},
        {"type": "button", "label": "1.0", "url": "%EVENT: file download request%"},
        {"type": "divider"},
    ]
)


def flows(templates, groups, rule):
    """Steps that name some of these, some in branches."""
    kinds = [
        st.sampled_from([{"type": "wait", "until": "12:00"}, {"type": "wait", "for": "1 day"}])
    ]
    if templates:
        kinds.append(
            st.builds(lambda one: {"type": "email", "template": one}, st.sampled_from(templates))
        )
    if groups:
        kinds.append(st.builds(lambda one: {"type": "group", "add": one}, st.sampled_from(groups)))

    def deeper(steps):
        some = st.lists(steps, max_size=2)
        return st.one_of(
            st.builds(lambda a, b: {"type": "if", "rule": rule, "then": a, "else": b}, some, some),
            st.builds(
                lambda a, b: {"type": "split", "shares": [30, 70], "branches": [a, b]}, some, some
            ),
        )

    return st.lists(st.recursive(st.one_of(kinds), deeper, max_leaves=5), max_size=3)


def conditions_on(groups, consents, channels):
    """Conditions that name some of these."""

    def some(names):
        return st.lists(st.sampled_from(names), min_size=1, max_size=2)

    kinds = [
        st.fixed_dictionaries(
            {"type": st.just("activity"), "activities": some(["no", "pagevisit"])}
        ),
        st.fixed_dictionaries({"type": st.just("country"), "values": some(["USA", "nor"])}),
    ]
    if groups:
        kinds.append(st.fixed_dictionaries({"type": st.just("group"), "groups": some(groups)}))
    if consents:
        consent = st.sampled_from(consents)
        kinds.append(st.fixed_dictionaries({"type": st.just("consent"), "consent": consent}))
    if channels:
        one = {"type": st.just("activity"), "activities": some(["a"]), "channels": some(channels)}
        kinds.append(st.fixed_dictionaries(one))
    return st.builds(
        lambda leaf, negate: {**leaf, "negate": True} if negate else leaf, st.one_of(kinds), FLAGS
    )


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(objects=configurations())
def test_a_dump_makes_the_same_hub_again(objects, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dump")
    forget_everything()
    (folder / "given.json").write_text(json.dumps(objects))
    assert len(load([folder / "given.json"]).created) == len(objects)
    assert len(load([folder / "given.json"]).unchanged) == len(objects)

    written, _ = dump(folder / "one")
    again = load([folder / "one"])
    assert (again.created, again.changed, len(again.unchanged)) == ([], [], len(written))

    forget_everything()
    assert len(load([folder / "one"]).created) == len(objects)
    dump(folder / "two")
    assert texts_of(folder / "one") == texts_of(folder / "two")
