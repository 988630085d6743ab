"""Configuration as files: JSON or YAML, read without surprises and written readably.

YAML is read as its version 1.2 says: only `true` and `false` are true and false, so that `no` is
Norwegian, and a date is text. Aliases are refused: a few lines with them can stand for billions.
"""

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import yaml

from exchange.problems import InvalidConfiguration

_YAML, _JSON = (".yaml", ".yml"), ".json"
_NULL, _BOOL, _INT, _FLOAT, _STR, _SEQ, _MAP = (
    f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str", "seq", "map")
)
_UNKEPT = re.compile("[\0\ud800-\udfff]")
_OTHER_BREAKS = re.compile("[\r\x85\u2028\u2029]")
# How YAML 1.2 tells what is not text, each with the signs that it may begin with.
_PLAIN = (
    (_NULL, re.compile(r"~|null|Null|NULL|"), ["~", "n", "N", ""]),
    (_BOOL, re.compile(r"true|True|TRUE|false|False|FALSE"), list("tTfF")),
    (_INT, re.compile(r"[-+]?[0-9]+"), list("-+0123456789")),
    (
        _FLOAT,
        re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"),
        list("-+.0123456789"),
    ),
)


@dataclass(frozen=True)
class Item:
    """One thing that stands in a file; `position` counts those of a list from 1."""

    file: str
    position: int
    value: Any


def read_items(paths: Sequence[str | Path]) -> list[Item]:
    """What stands in these files, and in the JSON and YAML files of these folders.

    :raises InvalidConfiguration: if one cannot be read
    """
    return [item for file in _find(paths) for item in _read(file)]


def write_yaml(file: Path, value: dict[str, Any]) -> None:
    """Write `value` as YAML, which a reader of version 1.1 or 1.2 understands alike.

    :raises InvalidConfiguration: if the file cannot be written
    """
    text = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=math.inf, indent=2
    )
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise InvalidConfiguration(_why(error), file=str(file)) from error


def configuration_files(folder: Path) -> list[Path]:
    """The JSON and YAML files below `folder`, in order; hidden ones are left out."""
    return sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in (*_YAML, _JSON)
        and file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    )


def _find(paths: Sequence[str | Path]) -> list[Path]:
    found: dict[Path, Path] = {}  # a file that is named twice is read once
    for path in map(Path, paths):
        try:
            files = configuration_files(path) if path.is_dir() else [path]
        except OSError as error:
            raise InvalidConfiguration(_why(error), file=str(path)) from error
        if not files:
            detail = "There is no .json, .yaml or .yml file in this folder."
            raise InvalidConfiguration(detail, file=str(path))
        for file in files:
            found.setdefault(file.resolve(), file)
    return list(found.values())


def _read(file: Path) -> Iterator[Item]:
    name, suffix = str(file), file.suffix.lower()
    try:
        if suffix == _JSON:
            value = _read_json(_text_of(file))
        elif suffix in _YAML:
            value = _read_yaml(_text_of(file))
        else:
            raise ValueError("Configuration is in files whose names end in .json, .yaml or .yml.")
        _check_texts(value)
    except OSError as error:
        raise InvalidConfiguration(_why(error), file=name) from error
    except RecursionError:
        detail = "Objects and lists are inside of one another too many times."
        raise InvalidConfiguration(detail, file=name) from None
    except ValueError as error:
        raise InvalidConfiguration(str(error), file=name) from error
    for position, one in enumerate(value if isinstance(value, list) else [value], start=1):
        yield Item(name, position, one)


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"This is not UTF-8 (byte {error.start:,}).") from None


def _why(error: OSError) -> str:
    return f"{error.strerror or error}."


def _read_json(text: str) -> Any:
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_no_number,
            parse_float=_float,
            parse_int=_int,
        )
    except json.JSONDecodeError as error:
        raise ValueError(
            f"This is not JSON: {error.msg}, line {error.lineno}, column {error.colno}."
        ) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"“{name}” is twice in one object.")
        found[name] = value
    return found


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is not a number that JSON has.")


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large a number.")
    return number


def _int(text: str) -> int:
    try:
        return int(text)
    except ValueError:  # Python reads no more digits
        raise ValueError(f"{text[:20]}… is too large a number ({len(text):,} digits).") from None


def _read_yaml(text: str) -> Any:
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 -- it makes plain values only
    except yaml.reader.ReaderError as error:
        raise ValueError(
            f"YAML cannot have the character {error.character:#x} as it is; write it as an escape "
            "in double quotes."
        ) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ValueError(f"This is not YAML as it is read here: {error.problem}{where}.") from None


def _check_texts(value: object) -> None:
    """Refuse what PostgreSQL cannot keep: NUL, and halves of characters."""
    if isinstance(value, str):
        if _UNKEPT.search(value):
            raise ValueError(f"A text has NUL or half a character in it: {value[:50]!a}.")
    elif isinstance(value, list):
        for one in value:
            _check_texts(one)
    elif isinstance(value, dict):
        for name, one in value.items():
            _check_texts(name)
            _check_texts(one)


class _Loader(yaml.SafeLoader):
    """YAML 1.2 as plain values, without aliases, tags of others and names that are there twice."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
    yaml_constructors: ClassVar[dict[Any, Any]] = {}

    def compose_node(self, parent, index):
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise yaml.composer.ComposerError(
                None, None, f"aliases (*{event.anchor}) are refused", event.start_mark
            )
        return super().compose_node(parent, index)

    def make_scalar(self, node: yaml.ScalarNode) -> Any:
        """The value of a node that is neither a list nor an object."""
        text = node.value
        try:
            if node.tag == _INT:
                return int(text)
            if node.tag == _FLOAT:
                return _float(text)
        except ValueError:
            raise _refuse(node, "this is not a number that can be read") from None
        if node.tag == _BOOL and text.lower() in ("true", "false"):
            return text.lower() == "true"
        if node.tag == _NULL:
            return None
        if node.tag == _STR:
            return text
        raise _refuse(node, f"the tag {node.tag} is not known here")

    def make_list(self, node: yaml.SequenceNode) -> list[Any]:
        """The value of a list."""
        if not isinstance(node, yaml.SequenceNode):
            raise _refuse(node, "this is not a list")
        return [self.construct_object(one, deep=True) for one in node.value]

    def make_object(self, node: yaml.MappingNode) -> dict[str, Any]:
        """The value of an object."""
        if not isinstance(node, yaml.MappingNode):
            raise _refuse(node, "this is not an object")
        found: dict[str, Any] = {}
        for name_node, value_node in node.value:
            name = self.construct_object(name_node, deep=True)
            if not isinstance(name, str):
                raise _refuse(name_node, "the name of a member has to be text; put it in quotes")
            if name in found:
                raise _refuse(name_node, f"“{name}” is twice in one object")
            found[name] = self.construct_object(value_node, deep=True)
        return found

    def make_nothing(self, node: yaml.Node) -> Any:
        """Refuse what has a tag of its own."""
        raise _refuse(node, f"the tag {node.tag} is not known here")


def _refuse(node: yaml.Node, problem: str) -> yaml.MarkedYAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


for _tag in (_NULL, _BOOL, _INT, _FLOAT, _STR):
    _Loader.add_constructor(_tag, _Loader.make_scalar)
_Loader.add_constructor(_SEQ, _Loader.make_list)
_Loader.add_constructor(_MAP, _Loader.make_object)
_Loader.add_constructor(None, _Loader.make_nothing)


class _Dumper(yaml.SafeDumper):
    """Plain values as YAML, in quotes wherever any version would take text for something else."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_str(self, data: str) -> yaml.ScalarNode:
        """Text; what has several lines is written as such."""
        style = "|" if "\n" in data else None
        # Other ends of lines than that one would be read as it.
        style = '"' if _OTHER_BREAKS.search(data) else style
        return self.represent_scalar(_STR, data, style=style)


_Dumper.add_representer(str, _Dumper.represent_str)
for _tag, _pattern, _first in _PLAIN:
    _whole = re.compile(rf"(?:{_pattern.pattern})\Z")
    _Loader.add_implicit_resolver(_tag, _whole, _first)
    _Dumper.add_implicit_resolver(_tag, _whole, _first)
