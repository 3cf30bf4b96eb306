"""A YAML text turned into plain values, each with its line and column. Main entries: `read_file`, `read_text`.

YAML 1.2's plain rules: `off` and `yes` are text, `1e-4` is a number. A file is refused for what would hide a
mistake: a key given twice, an alias, a second document. Everything wrong with a file is found in one go, up to
an error of syntax, after which nothing of it can be read.
"""

from __future__ import annotations

import os
import re
from codecs import BOM_UTF8
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from atalanta.config.problems import Problem

__all__ = ["Key", "Layer", "read_file", "read_scalar", "read_text"]

#: A key, from the outermost section inwards; items of lists by number.
Key = tuple[str | int, ...]

try:  # eight times as quick, where PyYAML has libyaml
    from yaml.cyaml import CParser as _Base
except ImportError:
    _Base = yaml.SafeLoader
_TAG = "tag:yaml.org,2002:"
_NULLS = {"", "~", "null", "Null", "NULL"}
_WORD = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.+-]*")
_LARGEST_BYTES, _CHUNK_BYTES = 1 << 20, 1 << 16
_DEEPEST = 20
_OPENING, _MOST_LEVELS = ("[", "{", "- ", "-\t", "? ", "?\t", "\n"), 10_000


_STR, _MAP, _SEQ = _TAG + "str", _TAG + "map", _TAG + "seq"

#: Tag and pattern of each kind of plain scalar but text, by the first letter it may have.
_PLAIN: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


def _plain(name: str, pattern: str, first: str) -> None:
    for letter in first:
        _PLAIN.setdefault(letter, []).append((_TAG + name, re.compile(pattern)))


_plain("null", "~|null|Null|NULL", "~nN")
_plain("bool", "true|True|TRUE|false|False|FALSE", "tTfF")
_plain("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789")
_plain("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789")
_plain("float", r"[-+]?\.(?:inf|Inf|INF)|\.nan|\.NaN|\.NAN", "-+.")


class _Loader(_Base):  # type: ignore[misc]
    """PyYAML's parser with the scalars of YAML 1.2."""

    def resolve(self, kind: type[Node], value: Any, implicit: Any) -> str:
        """The tag of a node that has none."""
        if kind is not ScalarNode:
            return _MAP if kind is MappingNode else _SEQ
        return _tag_of(value) if implicit[0] else _STR

    def descend_resolver(self, parent: Any, index: Any) -> None:
        """Tags by paths, of which there are none."""

    def ascend_resolver(self) -> None:
        """Likewise."""


def _tag_of(text: str) -> str:
    """What a plain scalar is."""
    if not text:
        return _TAG + "null"
    for tag, pattern in _PLAIN.get(text[0], ()):
        if pattern.fullmatch(text):
            return tag
    return _STR


@dataclass(slots=True)
class Layer:
    """What one source sets.

    Attributes:
        source: what a message calls it: the file, or what the user gave.
        values: nested mappings of plain values.
        marks: for each key, the source, the line and the column, counted from 1; 0 where there are none.
        problems: what is wrong with the text itself.
        folder: from which relative paths are taken.
    """

    source: str
    values: dict[str, Any] = field(default_factory=dict)
    marks: dict[Key, tuple[str, int, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    folder: Path = field(default_factory=Path)


def read_file(path: Path) -> Layer | None:
    """The file as a layer; None where there is none. A file that cannot be read is a problem of the layer."""
    layer = Layer(str(path), folder=path.parent)
    try:
        data = _bytes_of(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except IsADirectoryError:
        layer.problems.append(
            Problem(layer.source, "", "it is a directory; name a YAML file, or move it away")
        )
        return layer
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        layer.problems.append(
            Problem(layer.source, "", f"it cannot be read: {getattr(error, 'strerror', None) or error}")
        )
        return layer
    if len(data) > _LARGEST_BYTES:
        layer.problems.append(Problem(layer.source, "", "it is larger than 1MiB, which no configuration is"))
        return layer
    try:
        data = data.removeprefix(BOM_UTF8)
        text = data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - (before.rfind(b"\n") + 1) + 1
        told = f"it is not UTF-8 (byte 0x{data[error.start]:02x}); save it as UTF-8"
        layer.problems.append(Problem(f"{layer.source}:{line}:{column}", "", told))
        return layer
    if not text.strip():
        told = "it is empty; remove it, or write what it is to set (atalanta config init shows how)"
        layer.problems.append(Problem(layer.source, "", told))
        return layer
    return read_text(text, layer)


def _bytes_of(path: Path) -> bytes:
    """The file, or so much of it that it is seen to be too large."""
    descriptor, data = os.open(path, os.O_RDONLY | os.O_CLOEXEC), b""
    try:
        while len(data) <= _LARGEST_BYTES and (more := os.read(descriptor, _CHUNK_BYTES)):
            data += more
    finally:
        os.close(descriptor)
    return data


def read_text(text: str, layer: Layer) -> Layer:
    """The text's values, marks and problems added to a layer."""
    try:
        node = _composed(text)
    except yaml.MarkedYAMLError as error:
        layer.problems.append(_syntax_problem(layer.source, error))
        return layer
    except yaml.YAMLError as error:  # a character that YAML does not allow; libyaml tells no line
        place = _forbidden(text)
        told = " ".join(str(getattr(error, "reason", error)).split())
        layer.problems.append(Problem(f"{layer.source}{place}", "", f"it is not YAML: {told}"))
        return layer
    except RecursionError:
        layer.problems.append(
            Problem(layer.source, "", "it is larger, or nested deeper, than a configuration is")
        )
        return layer
    if node is not None:
        _Reader(layer).read(node)
    return layer


def read_scalar(text: str) -> Any:
    """The value of a text that is no file: of a variable or an option.

    Raises:
        ValueError: it is not YAML.
    """
    layer = Layer("")
    try:
        word = _WORD.fullmatch(text)  # needs no parser
        node = ScalarNode(_tag_of(text), text) if word else _composed(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(str(getattr(error, "problem", None) or error)) from None
    value = None if node is None else _Reader(layer).value(node, ())
    if layer.problems:
        raise ValueError(layer.problems[0].what)
    return value


def _composed(text: str) -> Any:
    # Each level of nesting needs one of these. libyaml before PyYAML 6.0.4 ends the process on very deep ones.
    if sum(text.count(sign) for sign in _OPENING) > _MOST_LEVELS:
        raise RecursionError
    loader = _Loader(text)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


def _syntax_problem(source: str, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    place = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else source
    told = error.problem or error.context or "it cannot be parsed"
    if "single document" in f"{error.context}":
        told = "a second document begins; keep one"
    elif error.context and error.context_mark and mark and error.context_mark.line != mark.line:
        told += f", {error.context} that begins in line {error.context_mark.line + 1}"
    return Problem(place, "", f"it is not YAML: {told}")


def _forbidden(text: str) -> str:
    for number, line in enumerate(text.splitlines(), 1):
        for column, sign in enumerate(line, 1):
            if not sign.isprintable() and sign != "\t":
                return f":{number}:{column}"
    return ""


class _Reader:
    """Walks the nodes of one text."""

    def __init__(self, layer: Layer) -> None:
        self._layer = layer
        self._seen: set[int] = set()

    def read(self, node: Node) -> None:
        value = self.value(node, ())
        if isinstance(value, dict):
            self._layer.values = value
        elif value is not None:
            self._problem(node, (), f"a file holds sections such as buffers:, not {_kind(value)}", value)

    def value(self, node: Node, path: Key) -> Any:
        if id(node) in self._seen or len(path) > _DEEPEST:
            told = "aliases and nesting this deep are not taken; write the value out"
            _, line, column = self._layer.marks.get(
                path, ("", 0, 0)
            )  # an alias's node stands where its anchor does
            self._tell(path, told, line or node.start_mark.line + 1, column or node.start_mark.column + 1)
            return None
        self._seen.add(id(node))
        if isinstance(node, ScalarNode):
            return self._scalar(node, path)
        if isinstance(node, MappingNode) and node.tag == _MAP:
            return self._mapping(node, path)
        if isinstance(node, SequenceNode) and node.tag == _SEQ:
            return self._sequence(node, path)
        self._problem(node, path, f"tags such as {node.tag} are not taken; write plain values")
        return None

    def _mapping(self, node: MappingNode, path: Key) -> dict[str, Any]:
        values: dict[str, Any] = {}
        marks, source = self._layer.marks, self._layer.source
        first: dict[str, int] = {}
        for key_node, value_node in node.value:
            name, mark = key_node.value, key_node.start_mark
            if key_node.tag != _STR:
                got = name if isinstance(key_node, ScalarNode) else ...
                self._problem(key_node, path, "a key is text; put it in quotes if it is meant", got)
                continue
            at = (*path, name)
            if name in values:
                self._problem(key_node, at, f"it is given twice, first in line {first[name]}; keep one")
                continue
            first[name] = mark.line + 1
            marks[at] = (source, mark.line + 1, mark.column + 1)
            values[name] = self.value(value_node, at)
        return values

    def _sequence(self, node: SequenceNode, path: Key) -> list[Any]:
        values = []
        for place, item in enumerate(node.value):
            mark = (node if id(item) in self._seen else item).start_mark
            self._layer.marks[(*path, place)] = (self._layer.source, mark.line + 1, mark.column + 1)
            values.append(self.value(item, (*path, place)))
        return values

    def _scalar(self, node: ScalarNode, path: Key) -> Any:
        tag, text = node.tag, node.value
        if tag == _STR:
            return text
        if tag == _TAG + "null" and text in _NULLS:
            return None
        try:
            if tag == _TAG + "bool":
                return {"true": True, "false": False}[text.lower()]
            if tag == _TAG + "int":
                return int(text, 0) if text[:2].lower() in ("0x", "0o") else int(text)
            if tag == _TAG + "float":
                return float(text.replace(".inf", "inf").replace(".nan", "nan"))
        except (ValueError, KeyError):
            pass
        self._problem(
            node, path, f"the tag {tag.removeprefix(_TAG)} does not fit; write the value without", text
        )
        return None

    def _problem(self, node: Node, path: Key, what: str, got: object = ...) -> None:
        self._tell(path, what, node.start_mark.line + 1, node.start_mark.column + 1, got)

    def _tell(self, path: Key, what: str, line: int, column: int, got: object = ...) -> None:
        place = f"{self._layer.source}:{line}:{column}"
        key = ".".join(map(str, path))
        self._layer.problems.append(Problem(place, key, what, got))


def _kind(value: object) -> str:
    return "a list" if isinstance(value, list) else "text" if isinstance(value, str) else "a value"
