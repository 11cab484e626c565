"""A mutant: a module with one small change that a test should notice.

The changes are mutmut's. They are applied to the whole module instead of by mutmut's trampolines,
which leave out every decorated function: here each rule, each property and each command. Left out
are what no test should hold: words of a message (a string with a space in it), the case of a
string's letters, docstrings, annotations, decorators and aliases of types, and arguments that only
say a default aloud: `check=False`, and `encoding="utf-8"` where that is the machine's own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import libcst
from libcst.metadata import ByteSpanPositionProvider, MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

_KEPT = (libcst.Annotation, libcst.Decorator, libcst.Import, libcst.ImportFrom)
"""What is left as it is, with all that is in it."""
_STATEMENT = (libcst.SimpleStatementLine, libcst.BaseCompoundStatement)
_CALLS = frozenset({"TypeVar", "cast"})
_ALOUD = frozenset({("check", "False"), ("encoding", '"utf-8"')})
_LONGEST = 160
"""Characters of a change that are shown."""


@dataclass(frozen=True)
class Mutant:
    """One change.

    Attributes:
        module: The module's file, relative to the repository.
        line: Where the change is, from 1.
        statement: Where its statement begins.
        where: The function or class that it is in, such as `Names.of`; empty outside of any.
        before: What stands there, shortened.
        after: What stands there instead, shortened.
        code: The whole module with the change.
    """

    module: str
    line: int
    statement: int
    where: str
    before: str
    after: str
    code: str

    @property
    def key(self) -> str:
        """The same for the same change of the same text."""
        return hashlib.sha256(self.code.encode()).hexdigest()[:20]


def of(root: Path, module: str) -> Iterator[Mutant]:
    """Every mutant of a module, in the order of its lines."""
    text = (root / module).read_bytes()
    finder = _Finder()
    MetadataWrapper(libcst.parse_module(text), unsafe_skip_copy=True).visit(finder)
    seen: set[bytes] = set()
    for place, node, change in finder.found:
        # Far faster than to write the whole tree; a second pair of parentheses is no harm.
        changed = libcst.Module([]).code_for_node(change).encode()
        code = text[: place.start] + changed + text[place.end :]
        if code not in seen:
            seen.add(code)
            yield Mutant(
                module,
                place.line,
                place.statement,
                place.where,
                *_short(_line(node), _line(change)),
                code.decode(),
            )


def _line(node: libcst.CSTNode) -> str:
    return " ".join(libcst.Module([]).code_for_node(node).split())


def _short(before: str, after: str) -> tuple[str, str]:
    """Both, and of what is long, what stands around the place where they differ."""
    pairs = enumerate(zip(before, after, strict=False))
    differ = next((place for place, (one, other) in pairs if one != other), 0)
    first = max(0, differ - _LONGEST // 2) if max(len(before), len(after)) > _LONGEST else 0
    one, other = (each[first : first + _LONGEST] for each in (before, after))
    return one, other


@dataclass(frozen=True)
class _Place:
    """Where a node is: its line and its statement's from 1, what it is in, its bytes from 0."""

    line: int
    statement: int
    where: str
    start: int
    end: int


class _Finder(libcst.CSTVisitor):
    METADATA_DEPENDENCIES = (PositionProvider, ByteSpanPositionProvider)

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[_Place, libcst.CSTNode, libcst.CSTNode]] = []
        self._names: list[str] = []
        self._statements: list[int] = []

    def on_visit(self, node: libcst.CSTNode) -> bool:
        if isinstance(node, _KEPT) or _is_text(node) or _is_of_types(node):
            return False
        if isinstance(node, _STATEMENT):
            self._statements.append(self._line(node))
        changes = [
            change
            for kind, operator in mutation_operators
            if isinstance(node, kind)
            for change in operator(node)
            if _counts(node, change)
        ]
        if changes:
            span = cast("Any", self.get_metadata(ByteSpanPositionProvider, node))
            line, statement = self._line(node), self._statements[-1]
            where = ".".join(self._names)
            place = _Place(line, statement, where, span.start, span.start + span.length)
            self.found += [(place, node, change) for change in changes]
        if isinstance(node, libcst.FunctionDef | libcst.ClassDef):
            self._names.append(node.name.value)
        return True

    def _line(self, node: libcst.CSTNode) -> int:
        return cast("Any", self.get_metadata(PositionProvider, node)).start.line

    def on_leave(self, original_node: libcst.CSTNode) -> None:
        if isinstance(original_node, _STATEMENT):
            self._statements.pop()
        if isinstance(original_node, libcst.FunctionDef | libcst.ClassDef):
            self._names.pop()


def _is_text(node: libcst.CSTNode) -> bool:
    """Whether it is a docstring or a text that stands alone."""
    return isinstance(node, libcst.Expr) and isinstance(
        node.value, libcst.SimpleString | libcst.ConcatenatedString
    )


def _is_of_types(node: libcst.CSTNode) -> bool:
    """Whether it speaks to the type checker alone: an alias, a cast."""
    if isinstance(node, libcst.Assign):
        return isinstance(node.value, libcst.Subscript | libcst.BinaryOperation) and all(
            isinstance(one.target, libcst.Name)
            and one.target.value[:1].isupper()
            and not one.target.value.isupper()
            for one in node.targets
        )
    return (
        isinstance(node, libcst.Call)
        and isinstance(node.func, libcst.Name)
        and node.func.value in _CALLS
    )


def _counts(node: libcst.CSTNode, change: libcst.CSTNode) -> bool:
    if isinstance(node, libcst.SimpleString) and isinstance(change, libcst.SimpleString):
        return " " not in node.value and "XX" in change.value
    if isinstance(node, libcst.Call) and isinstance(change, libcst.Call):
        aloud = {name for name, value in _arguments(node) if (name, value) in _ALOUD}
        before, after = (
            [each for each in _arguments(call) if each[0] not in aloud] for call in (node, change)
        )
        return not aloud or before != after
    return True


def _arguments(call: libcst.Call) -> list[tuple[str, str]]:
    """Names, empty for those that have none, and values."""
    return [(each.keyword.value if each.keyword else "", _line(each.value)) for each in call.args]
