"""What can stand in a configuration file, whatever it is about."""

from itertools import pairwise

import pytest

from exchange.files import read_items, write_yaml
from exchange.problems import InvalidConfiguration


def values(*paths):
    return [item.value for item in read_items(paths)]


def refusal(*paths):
    with pytest.raises(InvalidConfiguration) as refused:
        read_items(paths)
    return str(refused.value)


def test_json_and_yaml_say_the_same(write):
    json = write('[{"kind": "consent", "list": [1, -2.5, true, null, "é"]}]', "a.json")
    yaml = write("- {kind: consent, list: [1, -2.5, true, null, é]}\n", "a.yaml")

    assert values(json) == values(yaml) == [{"kind": "consent", "list": [1, -2.5, True, None, "é"]}]


def test_one_object_or_a_list_of_them(write):
    assert values(write("kind: consent", "a.yml")) == [{"kind": "consent"}]
    assert [item.position for item in read_items([write("[{}, {}]")])] == [1, 2]


def test_yaml_takes_nothing_for_what_it_is_not(write):
    file = write(
        "[no, on, yes, y, 2026-11-29, 12:30:00, 0x10, 1_000, .nan, '1', 0123, 1e3]", "a.yaml"
    )

    assert values(file) == [
        *("no", "on", "yes", "y", "2026-11-29", "12:30:00", "0x10", "1_000", ".nan", "1"),
        *(123, 1000.0),
    ]


def test_languages_called_no_are_names(write):
    assert values(write("texts: {no: Hei, off: x}", "a.yaml")) == [
        {"texts": {"no": "Hei", "off": "x"}}
    ]


def test_a_byte_order_mark_is_no_part_of_the_text(write):
    assert values(write("\ufeff{}".encode(), "a.json")) == [{}]


def test_folders_have_the_files_of_folders_in_them(write, tmp_path):
    write("{a: 1}", "one/two/a.yaml")
    write('{"b": 2}', "b.JSON")
    write("no configuration", "notes.txt")
    write("{c: 3}", ".git/c.yaml")

    assert values(tmp_path) == [{"b": 2}, {"a": 1}]


def test_a_file_that_is_named_twice_is_read_once(write, tmp_path):
    file = write("{a: 1}", "a.yaml")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link.yaml").symlink_to(file)

    assert values(file, tmp_path, tmp_path / "folder" / ".." / "a.yaml") == [{"a": 1}]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "a.json",
            "{",
            "This is not JSON: Expecting property name enclosed in double quotes, line 1",
        ),
        ("a.json", "", "This is not JSON: Expecting value, line 1, column 1."),
        ("a.json", '{"a": 1, "a": 2}', "“a” is twice in one object."),
        ("a.json", "[NaN]", "NaN is not a number that JSON has."),
        ("a.json", "[1e999]", "1e999 is too large a number."),
        ("a.json", "[" + "9" * 6000 + "]", "9999… is too large a number (6,000 digits)."),
        ("a.json", "[" * 100_000, "inside of one another too many times."),
        ("a.json", '["\\u0000"]', "A text has NUL or half a character in it: '\\x00'."),
        ("a.json", '{"\\ud800": 1}', "A text has NUL or half a character in it: '\\ud800'."),
        ("a.json", b'["\xff"]', "This is not UTF-8 (byte 2)."),
        ("a.yaml", "a: [1", "This is not YAML as it is read here: "),
        ("a.yaml", "a: 1\nb: 2\na: 3\n", "“a” is twice in one object, line 3, column 1."),
        ("a.yaml", "1: one", "the name of a member has to be text; put it in quotes, line 1"),
        ("a.yaml", "[a, b]: c", "the name of a member has to be text"),
        ("a.yaml", "a: &x [1]\nb: *x\n", "aliases (*x) are refused, line 2, column 4."),
        ("a.yaml", "a: !!python/object:os.system x", "python/object:os.system is not known here"),
        ("a.yaml", "a: !!timestamp 2026-11-29", "timestamp is not known here, line 1, column 4."),
        ("a.yaml", "a: !!int x", "this is not a number that can be read, line 1, column 4."),
        ("a.yaml", "a: !!seq {}", "this is not a list, line 1, column 4."),
        ("a.yaml", "a: !!map []", "this is not an object, line 1, column 4."),
        ("a.yaml", f"a: {'9' * 5000}", "this is not a number that can be read, line 1, column 4."),
        ("a.yaml", "a: 1e999", "this is not a number that can be read, line 1, column 4."),
        ("a.yaml", "a: 1\n---\nb: 2\n", "but found another document, line 2, column 1."),
        ("a.yaml", "a: \x07", "YAML cannot have the character 0x7 as it is"),
        ("a.yaml", "[" * 5000, "inside of one another too many times."),
        ("a.txt", "{}", "files whose names end in .json, .yaml or .yml."),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(write, name, content, said):
    file = write(content, name)

    text = refusal(file)

    assert text.startswith(f"{file}: ")
    assert said in text
    assert "\n" not in text


def test_billions_in_a_few_lines_are_refused(write):
    lines = ["a: &a [x, x]"] + [f"{b}: &{b} [{f'*{a}, ' * 9}]" for a, b in pairwise("abcdefghi")]

    assert "aliases (*a) are refused" in refusal(write("\n".join(lines), "a.yaml"))


def test_paths_without_configuration_are_refused(tmp_path):
    missing = tmp_path / "missing.yaml"

    assert refusal(missing) == f"{missing}: No such file or directory."
    assert refusal(tmp_path) == f"{tmp_path}: There is no .json, .yaml or .yml file in this folder."


def test_names_with_signs_for_terminals_are_shown_as_they_are_written(tmp_path):
    assert refusal(tmp_path / "a\x1b[2J\nb.yaml").startswith(f"{tmp_path}/a\\x1b[2J b.yaml: ")


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", " x ", "no", "yes", "null", "~", "1", "0o14", "1e3", "0x10", "2026-11-29", "#"),
        *("a: b", "- a", "*a", "&a", "!a", "%a", "@a", "'a'", '"a"', "{a}", "é", "😀", "\u2028"),
        *("a\nb", "a\nb\n", "\n\na", " a\nb", "a \nb", "a\r\nb", "\x85", "\ufeff", "\x07", "\\"),
        *("<p>one</p>\n<p>two: #</p>\n", "---\n...\n", "x" * 500, "\t\n\t", "1.", ".5", "=", "<<"),
    ],
)
def test_texts_are_read_as_they_were_written(tmp_path, text):
    file = tmp_path / "a.yaml"
    write_yaml(file, {text: text, "list": [text, [text]]})

    assert values(file) == [{text: text, "list": [text, [text]]}]
