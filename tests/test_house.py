"""The house: everything points down the list of rooms, never up.

That is imports, and what names another room by a string: `get_model`, addresses to reverse, and
permissions. Foreign keys by string may point up, and are not looked at.

And the contacts are written by their own room only.
"""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# From the top to the bottom. Rooms on one floor do not point at each other.
FLOORS = [
    {"benchmarks"},
    {"config"},
    {"tracking", "crosssite"},
    {"privacy"},
    {"figures"},
    {"exchange"},
    {"automations"},
    {"destinations"},
    {"groups"},
    {"activities"},
    {"consents"},
    {"contacts"},
    {"channels"},
    {"readers"},
    {"web"},
    {"jobs"},
    {"adminsite"},
    {"database"},
]
FLOOR_OF = {room: number for number, floor in enumerate(FLOORS) for room in floor}
NO_APPS = {"benchmarks", "database"}
# Besides the room of contacts, benchmarks fill its tables, as tests do.
WRITERS_OF_CONTACTS = {"contacts", "benchmarks"}
WRITING = {
    *("create", "get_or_create", "update_or_create", "bulk_create"),
    *("update", "bulk_update", "delete"),
}

# Within that room the first three write what contacts are. The others note that one is merged, or
# is not any more, and delete those who were erased.
WRITERS_OF_FIELDS = {"changes.py", "changing_many.py", "sample_data.py"}
WRITERS_OF_THE_REST = {"merging.py", "undoing.py", "removing.py"}
_WRITES_IN_SQL = re.compile(r"(?:UPDATE|INSERT INTO|DELETE FROM) contacts_contact\b")
PREDICATES = {"permissions.py", "permission.py"}

_PERMISSION = re.compile(r"([a-z_]+)\.(?:view|add|change|delete)_[a-z]+")
_ADMIN_PAGE = re.compile(r"admin:([a-z]+)_[a-z]+_\w+")
_PAGE = re.compile(r"([a-z_-]+):[\w-]+")
# In templates: {% url "…" %} and perms.app.view_model.
_IN_TEMPLATES = re.compile(r"""\{%\s*url\s+["']([^"']+)["']|\bperms\.([a-z_]+\.\w+)""")


def files_of(room, pattern="*.py"):
    files = (ROOT / room).rglob(pattern)
    return [file for file in files if "migrations" not in file.parts]


def namespaces_of(source):
    """The `app_name` of a module of URLs: addresses begin with it."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "app_name":
            yield ast.literal_eval(node.value)


NAMESPACES = {
    name: room
    for room in FLOOR_OF
    for file in files_of(room, "*urls.py")
    for name in namespaces_of(file.read_text())
}


def imports_of(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def named_by(text):
    """The room that a text names if it is the name of a page or of a permission."""
    if found := _PERMISSION.fullmatch(text) or _ADMIN_PAGE.fullmatch(text):
        yield found[1]
    elif found := _PAGE.fullmatch(text):
        yield NAMESPACES.get(found[1], "")


def strings_of(tree):
    """The rooms that strings name, wherever they stand: many become an address elsewhere."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from named_by(node.value)


def models_of(tree):
    """The rooms whose models are asked for by name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else ast.unparse(function)
            given = node.args[0]
            if name == "get_model" and isinstance(given, ast.Constant):
                yield str(given.value).partition(".")[0]


def upward(room, named):
    return {
        other
        for other in named
        if other in FLOOR_OF and other != room and FLOOR_OF[other] <= FLOOR_OF[room]
    }


def upward_in_code(room, source):
    tree = ast.parse(source)
    return upward(room, [*imports_of(tree), *strings_of(tree), *models_of(tree)])


def upward_in_template(room, source):
    names = [page or permission for page, permission in _IN_TEMPLATES.findall(source)]
    return upward(room, [other for name in names for other in named_by(name)])


def written_contacts(source):
    """What writes contacts with a manager or a query set of theirs: `Contact.objects` and on."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            base = node.func
            while isinstance(base, ast.Attribute | ast.Call):
                base = base.value if isinstance(base, ast.Attribute) else base.func
            if getattr(base, "id", "") == "Contact" and node.func.attr.removeprefix("a") in WRITING:
                yield ast.unparse(node.func)


def written_fields(source):
    """Statements that write what a contact is, or that there is one: by its manager, or in SQL."""
    tree = ast.parse(source)
    yield from written_contacts(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _WRITES_IN_SQL.findall(node.value)


def asked_permissions(source):
    """Lines that ask Django for a permission by its name."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and node.attr in ("has_perm", "has_perms")
    ]


def test_house_has_every_app():
    apps = {file.parent.name for file in ROOT.glob("*/apps.py")}

    assert apps | NO_APPS == FLOOR_OF.keys()


def test_documents_show_every_room_on_its_floor():
    document = (ROOT / "docs/architecture.md").read_text()
    drawing = document.partition("## In ten minutes\n")[2].split("```")[1]
    house = document.partition("\n## The house\n")[2].partition("\n## ")[0]
    rooms = re.findall(r"^\|[^|]*\| `([a-z]+)/` \|", house, re.MULTILINE)
    drawn = re.findall(r"\b([a-z]+)/", drawing)

    assert sorted(rooms) == sorted(FLOOR_OF)
    assert [FLOOR_OF[room] for room in rooms] == sorted(FLOOR_OF.values())
    # Beside these the drawing has `admin/`, a part of rooms.
    assert {*drawn} - {"admin"} == FLOOR_OF.keys() - {"benchmarks", "config"}


@pytest.mark.parametrize("room", sorted(FLOOR_OF))
def test_rooms_point_downwards_only(room):
    found = {
        str(file.relative_to(ROOT)): names
        for pattern, find in (("*.py", upward_in_code), ("*.html", upward_in_template))
        for file in files_of(room, pattern)
        if (names := find(room, file.read_text()))
    }

    assert found == {}


def test_namespaces_of_addresses_belong_to_the_room_that_has_them():
    assert NAMESPACES["tracking_settings"] == "tracking"
    assert NAMESPACES["activecampaign-api"] == "tracking"
    assert NAMESPACES["crosssite"] == "crosssite"


@pytest.mark.parametrize(
    "source",
    [
        "import activities.models",
        "def f():\n    from activities.models import Activity",
        "get_model('activities', 'Activity')",
        "apps.get_model('activities.Activity')",
        "request.user.has_perm('activities.view_activity')",
        "reverse('admin:activities_activity_changelist')",
        "EmptyState(link_view='admin:activities_activitytype_add')",
    ],
)
def test_code_that_points_up_is_found(source):
    assert upward_in_code("contacts", source) == {"activities"}
    assert upward_in_code("tracking", source) == set()


@pytest.mark.parametrize(
    ("room", "source", "found"),
    [
        ("channels", "reverse('tracking_settings:index')", {"tracking"}),
        ("channels", "f\"{reverse('tracking_settings:index')}#channel-1\"", {"tracking"}),
        ("crosssite", "reverse('headless:activities')", {"tracking"}),  # on the same floor
        ("config", "from benchmarks import staging", {"benchmarks"}),
        ("benchmarks", "from config.demo import data", set()),
        ("activities", "models.ForeignKey('crosssite.TrackedSite', models.PROTECT)", set()),
        ("contacts", "'activities.view_activity and more words'", set()),
    ],
)
def test_what_points_up_depends_on_the_room(room, source, found):
    assert upward_in_code(room, source) == found


@pytest.mark.parametrize(
    "source",
    [
        '<a href="{% url "admin:activities_activity_change" original.pk %}">',
        "<a href=\"{% url 'admin:activities_activity_changelist' %}\">",
        "{% if perms.activities.view_activity %}",
    ],
)
def test_templates_that_point_up_are_found(source):
    assert upward_in_template("contacts", source) == {"activities"}
    assert upward_in_template("crosssite", source) == set()


@pytest.mark.parametrize("room", sorted(FLOOR_OF.keys() - WRITERS_OF_CONTACTS))
def test_contacts_are_written_by_their_own_room_only(room):
    found = {
        str(file.relative_to(ROOT)): written
        for file in files_of(room)
        if (written := list(written_contacts(file.read_text())))
    }

    assert found == {}


def test_fields_of_contacts_are_written_at_one_place():
    writers = {
        str(file.relative_to(ROOT / "contacts"))
        for file in files_of("contacts")
        if list(written_fields(file.read_text()))
    }

    assert writers == WRITERS_OF_FIELDS | WRITERS_OF_THE_REST


@pytest.mark.parametrize("room", sorted(FLOOR_OF))
def test_what_users_may_do_is_asked_by_named_predicates(room):
    found = {
        str(file.relative_to(ROOT)): lines
        for file in files_of(room)
        if file.name not in PREDICATES and (lines := asked_permissions(file.read_text()))
    }

    assert found == {}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("Contact.objects.create()", ["Contact.objects.create"]),
        (
            "contact, _ = Contact.objects.get_or_create(guid=guid)",
            ["Contact.objects.get_or_create"],
        ),
        ("Contact.objects.bulk_create(contacts)", ["Contact.objects.bulk_create"]),
        ("await Contact.objects.aupdate(city='')", ["Contact.objects.aupdate"]),
        (
            "Contact.objects.filter(pk=1).exclude(email='').update(city='')",
            ["Contact.objects.filter(pk=1).exclude(email='').update"],
        ),
        ("Contact._default_manager.all().delete()", ["Contact._default_manager.all().delete"]),
        ("Contact.objects.filter(pk=1).first()", []),
        ("SiteContact.objects.get_or_create(visitor=visitor)", []),
    ],
)
def test_code_that_writes_contacts_is_found(source, found):
    assert list(written_contacts(source)) == found
