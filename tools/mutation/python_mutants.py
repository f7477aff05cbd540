"""Small wrong changes of a Python file, one at a time, as text with one place replaced."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

_COMPARE: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
}
_BINARY: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
    ast.Mod: ("%", "*"),
    ast.Pow: ("**", "*"),
    ast.BitAnd: ("&", "|"),
    ast.BitOr: ("|", "&"),
    ast.LShift: ("<<", ">>"),
    ast.RShift: (">>", "<<"),
}
_CALLS = {"min": "max", "max": "min", "abs": "", "any": "all", "all": "any", "round": ""}


@dataclass(frozen=True, slots=True)
class Mutant:
    """`path`, relative to the repository, with `text` instead of its own; `function` is the first line of
    the function that is changed, or None outside of all. `before` and `after` tell the change."""

    path: str
    line: int
    function: int | None
    before: str
    after: str
    text: str

    @property
    def change(self) -> str:
        return f"{self.before}  ->  {self.after}"


def mutants(path: str, source: str) -> list[Mutant]:
    """All that there are of this file, in the order of its lines."""
    return sorted(_Finder(path, source).found, key=lambda mutant: mutant.line)


class _Finder(ast.NodeVisitor):
    """Leaves out what is no behaviour: imports, annotations, decorators, texts for people, `__all__`."""

    def __init__(self, path: str, source: str) -> None:
        self.found: list[Mutant] = []
        self._path = path
        self._lines = source.encode().splitlines(keepends=True)
        self._functions: list[int] = []
        self.visit(ast.parse(source))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._functions.append(min([node.lineno, *(one.lineno for one in node.decorator_list)]))
        for part in (*node.args.defaults, *filter(None, node.args.kw_defaults), *node.body):
            self.visit(part)
        self._functions.pop()

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for part in node.body:
            self.visit(part)

    def visit_Import(self, node: ast.Import) -> None:
        return

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        return

    def visit_Assert(self, node: ast.Assert) -> None:
        return  # tells the type checker what holds; never false

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        return

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._assigned(node, node.target, node.value)

    def visit_Assign(self, node: ast.Assign) -> None:
        if not (isinstance(node.targets[0], ast.Name) and node.targets[0].id == "__all__"):
            self._assigned(node, node.targets[0], node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._assigned(node, node.target, node.value)

    def visit_Delete(self, node: ast.Delete) -> None:
        self._replace(node, "pass")

    def visit_Raise(self, node: ast.Raise) -> None:
        self._replace(node, "pass")

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call):
            self._replace(node, "pass")
            self.visit(node.value)

    def visit_If(self, node: ast.If) -> None:
        self._negate(node.test)
        for part in node.body:
            if isinstance(part, ast.Return | ast.Continue | ast.Break):
                self._replace(part, "pass")
        self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._negate(node.test)
        self.generic_visit(node)

    def visit_While(self, node: ast.While) -> None:
        self._negate(node.test)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for test in node.ifs:
            self._negate(test)
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        was, then = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for one, other in pairwise(node.values):
            self._between(one, other, was, then)
        for value in node.values:
            self._negate(value)
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        terms = [node.left, *node.comparators]
        for (one, other), operator in zip(pairwise(terms), node.ops, strict=True):
            self._between(one, other, *_COMPARE[type(operator)])
            if isinstance(operator, ast.Lt | ast.LtE | ast.Gt | ast.GtE):
                self._between(one, other, _COMPARE[type(operator)][0], "!=")
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if type(node.op) in _BINARY:
            self._between(node.left, node.right, *_BINARY[type(node.op)])
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not | ast.USub | ast.Invert):
            self._replace(node, f"({self._text(node.operand)})")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name) and node.func.id in _CALLS:
            self._replace(node.func, _CALLS[node.func.id])
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        for other in _others(node.value):
            self._replace(node, other)

    def _assigned(self, node: ast.stmt, target: ast.expr, value: ast.expr) -> None:
        # Without its name a line below fails anyway; a remembered value may be missed by nobody.
        if self._functions and not isinstance(target, ast.Name | ast.Tuple):
            self._replace(node, "pass")
        self.visit(value)

    def _negate(self, test: ast.expr) -> None:
        """A condition that has no operator of its own to change."""
        if isinstance(test, ast.Name | ast.Attribute | ast.Call | ast.Subscript | ast.NamedExpr):
            self._replace(test, f"(not ({self._text(test)}))")

    def _text(self, node: ast.expr) -> str:
        assert node.end_lineno is not None and node.end_col_offset is not None
        start = self._at(node.lineno, node.col_offset)
        return b"".join(self._lines)[
            start : self._at(node.end_lineno, node.end_col_offset)
        ].decode()

    def _replace(self, node: ast.expr | ast.stmt, new: str) -> None:
        assert node.end_lineno is not None and node.end_col_offset is not None
        start = self._at(node.lineno, node.col_offset)
        self._add(start, self._at(node.end_lineno, node.end_col_offset), new)

    def _between(self, one: ast.expr, other: ast.expr, was: str, then: str) -> None:
        assert one.end_lineno is not None and one.end_col_offset is not None
        start = self._at(one.end_lineno, one.end_col_offset)
        gap = b"".join(self._lines)[start : self._at(other.lineno, other.col_offset)].decode()
        at = start + gap.index(was)
        self._add(at, at + len(was), then)

    def _at(self, line: int, column: int) -> int:
        return sum(map(len, self._lines[: line - 1])) + column

    def _add(self, start: int, end: int, new: str) -> None:
        function = self._functions[-1] if self._functions else None
        self.found.append(replaced(self._path, b"".join(self._lines), start, end, new, function))


def replaced(
    path: str, whole: bytes, start: int, end: int, new: str, function: int | None = None
) -> Mutant:
    """The mutant with `new` from byte `start` to byte `end` of the file."""
    first, last = whole.rfind(b"\n", 0, start) + 1, whole.find(b"\n", end)
    after = whole[first:start].decode() + new + whole[end:last].decode()
    return Mutant(
        path,
        whole.count(b"\n", 0, start) + 1,
        function,
        " ".join(whole[first:last].decode().split()),
        " ".join(after.split()),
        (whole[:start] + new.encode() + whole[end:]).decode(),
    )


def _others(value: object) -> Iterator[str]:
    if isinstance(value, bool):
        yield str(not value)
    elif isinstance(value, int):
        yield str(value + 1)
        yield f"({value - 1})"
    elif isinstance(value, float):
        yield repr(value * 1.5 if value else 1.0)
        if value:
            yield repr(value / 1.5)
    elif isinstance(value, str) and value and " " not in value:
        yield repr(value + "x")
