"""Mutation operators: every small fault that a module's source can be given.

Left alone is what no test should hold: annotations, docstrings, texts, log lines, and code for the type checker.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

_COMPARISONS: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
}
_ARITHMETIC: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "*"),
    ast.Pow: ("**", "*"),
    ast.BitAnd: ("&", "|"),
    ast.BitOr: ("|", "&"),
    ast.LShift: ("<<", ">>"),
    ast.RShift: (">>", "<<"),
}
# What is read by people and not by the program.
_LOGGERS = frozenset({"logger", "logging", "log"})
_READ_BY_PEOPLE = frozenset({"description", "title", "summary", "help", "alarm_description"})


@dataclass(frozen=True)
class Mutant:
    """One fault: ``before`` becomes ``after`` in line ``line`` (from 1) of ``path``, a path relative to the project."""

    path: str
    line: int
    before: str
    after: str
    start: int
    """Offset of ``before`` in the file's UTF-8 bytes."""

    def apply(self, source: str) -> str:
        """Return the source with the fault in it."""
        data = source.encode()
        end = self.start + len(self.before.encode())
        return (data[: self.start] + self.after.encode() + data[end:]).decode()

    def __str__(self) -> str:
        before, after = (" ".join(text.split()) for text in (self.before, self.after))
        return f"{self.path}:{self.line} {before} -> {after or '(dropped)'}"


def find_mutants(path: str, source: str) -> list[Mutant]:
    """Return every mutant of a module that is still Python, in the order of the source."""
    found = set()
    for mutant in _Finder(path, source).mutants():
        try:
            compile(mutant.apply(source), path, "exec", dont_inherit=True)
        except SyntaxError:
            continue
        found.add(mutant)
    return sorted(found, key=lambda mutant: (mutant.start, mutant.before, mutant.after))


class _Finder:
    def __init__(self, path: str, source: str) -> None:
        self._path = path
        self._data = source.encode()
        self._tree = ast.parse(source)
        self._lines = [0]
        for line in source.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line.encode()))

    def mutants(self) -> Iterator[Mutant]:
        yield from self._visit(self._tree)

    def _visit(self, node: ast.AST) -> Iterator[Mutant]:
        if isinstance(node, ast.Call) and _logs(node):
            return
        yield from self._of(node)
        for child in self._children(node):
            yield from self._visit(child)

    def _children(self, node: ast.AST) -> Iterator[ast.AST]:
        match node:
            # Positions inside f-strings are wrong before Python 3.12.
            case ast.JoinedStr():
                return
            case ast.Raise():
                yield from (node.exc.args if isinstance(node.exc, ast.Call) else ())
                return
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                yield from node.orelse
                return
            case ast.AnnAssign():
                yield from (node.value,) if node.value else ()
                return
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from (default for default in (*node.args.defaults, *node.args.kw_defaults) if default)
                yield from node.body
                return
            case ast.ClassDef():
                yield from node.body
                return
            case ast.keyword() if node.arg in _READ_BY_PEOPLE:
                return
        yield from ast.iter_child_nodes(node)

    def _of(self, node: ast.AST) -> Iterator[Mutant]:
        match node:
            case ast.stmt():
                yield from self._of_statement(node)
            case ast.Compare() | ast.BinOp() | ast.BoolOp():
                yield from self._of_operator(node)
            case ast.UnaryOp(op=ast.Not()):
                yield self._replace(node, self._text(node.operand))
            case ast.Constant():
                yield from self._constant(node)
            case ast.IfExp():
                yield from self._negated(node.test)
            case ast.Call():
                for keyword in node.keywords:
                    if keyword.arg and keyword.arg not in _READ_BY_PEOPLE:
                        yield self._dropped(keyword)

    def _of_operator(self, node: ast.Compare | ast.BinOp | ast.BoolOp) -> Iterator[Mutant]:
        match node:
            case ast.Compare():
                operands = [node.left, *node.comparators]
                for place, operator in enumerate(node.ops):
                    yield from self._between(operands[place], operands[place + 1], _COMPARISONS[type(operator)])
            case ast.BinOp() if type(node.op) in _ARITHMETIC and not (_is_text(node.left) or _is_text(node.right)):
                yield from self._between(node.left, node.right, _ARITHMETIC[type(node.op)])
            case ast.BoolOp():
                words = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
                for left, right in zip(node.values, node.values[1:], strict=False):
                    yield from self._between(left, right, words)

    def _of_statement(self, node: ast.stmt) -> Iterator[Mutant]:
        match node:
            case ast.AugAssign() if type(node.op) in _ARITHMETIC and not _is_text(node.value):
                before, after = _ARITHMETIC[type(node.op)]
                yield from self._between(node.target, node.value, (f"{before}=", f"{after}="))
            case ast.If() | ast.While():
                yield from self._negated(node.test)
            case ast.Return(value=ast.expr() as value) if not _is_none(value):
                yield self._replace(node, "return None")
            case ast.Continue():
                yield self._replace(node, "break")
            case ast.Break():
                yield self._replace(node, "continue")
            case ast.Expr(value=ast.Call() as call) if not _logs(call):
                yield self._replace(node, "pass")

    def _negated(self, test: ast.expr) -> Iterator[Mutant]:
        if isinstance(test, ast.Name | ast.Attribute | ast.Call) and self._text(test) != "TYPE_CHECKING":
            yield self._replace(test, f"(not {self._text(test)})")

    def _constant(self, node: ast.Constant) -> Iterator[Mutant]:
        match node.value:
            case bool() as value:
                yield self._replace(node, str(not value))
            case int() as value:
                yield self._replace(node, str(value + 1))
            case float() as value:
                yield self._replace(node, repr(value * 1.5 if value else 1.0))

    def _between(self, left: ast.expr, right: ast.expr, words: tuple[str, str]) -> Iterator[Mutant]:
        """Replace the operator that stands between two operands; parentheses may stand there too."""
        before, after = words
        start, end = self._span(left)[1], self._span(right)[0]
        place = self._data[start:end].find(before.encode())
        if place >= 0:
            yield self._mutant(start + place, before, after)

    def _dropped(self, keyword: ast.keyword) -> Mutant:
        start, end = self._span(keyword)
        rest = self._data[end:].lstrip()
        if rest[:1] == b",":  # with its comma, or the call would have two
            end += self._data[end:].index(b",") + 1
        return self._mutant(start, self._data[start:end].decode(), "")

    def _replace(self, node: ast.expr | ast.stmt, after: str) -> Mutant:
        return self._mutant(self._span(node)[0], self._text(node), after)

    def _mutant(self, start: int, before: str, after: str) -> Mutant:
        line = self._data[:start].count(b"\n") + 1
        return Mutant(self._path, line, before, after, start)

    def _text(self, node: ast.expr | ast.stmt) -> str:
        start, end = self._span(node)
        return self._data[start:end].decode()

    def _span(self, node: ast.expr | ast.stmt | ast.keyword) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start = self._lines[node.lineno - 1] + node.col_offset
        return start, self._lines[node.end_lineno - 1] + node.end_col_offset


def _logs(call: ast.Call) -> bool:
    function = call.func
    while isinstance(function, ast.Attribute):
        function = function.value
    return isinstance(function, ast.Name) and function.id.lower().lstrip("_") in _LOGGERS


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes))


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
