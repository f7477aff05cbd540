"""Small wrong changes of a C file, by its tokens: operators, numbers, and statements left out."""

import re

from tools.mutation.python_mutants import Mutant, replaced

_SWAPS = {
    "<": ("<=", "!="),
    "<=": ("<",),
    ">": (">=", "!="),
    ">=": (">",),
    "==": ("!=",),
    "!=": ("==",),
    "&&": ("||",),
    "||": ("&&",),
    "<<": (">>",),
    ">>": ("<<",),
    "!": ("",),
    "+=": ("-=",),
    "|=": ("&=",),
    "&=": ("|=",),
    "++": ("--",),
    " + ": (" - ",),
    " - ": (" + ",),
    " % ": (" * ",),
    " & ": (" | ",),
    " | ": (" & ",),
    "true": ("false",),
    "false": ("true",),
}
_SILENT = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\])*"|^#include[^\n]*|^#ifndef[^\n]*', re.S | re.M
)
_TOKEN = re.compile(
    r"->|<<=|>>=|&&|\|\||[<>=!]=|<<|>>|\+=|-=|\|=|&=|\+\+| [-+%&|] |[<>!]|\btrue\b|\bfalse\b"
    r"|\b0[xX][0-9a-fA-F]+\b|\b\d+\b"
)
_STATEMENT = re.compile(
    r"(?<=[;{})\n])\s*\n( +)"
    r"((?:[\w*.\->\[\]]+ *[-+|&]?= [^;{}]*|\*?\w+\([^;{}]*\)|return|break|\+\+[^;]*|[\w\->.]+\+\+));"
)


def mutants(path: str, source: str) -> list[Mutant]:
    """All that there are of this file, in the order of its lines. Some do not compile."""
    code = _SILENT.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), source)
    found = [
        replaced(path, source.encode(), token.start(), token.end(), other)
        for token in _TOKEN.finditer(code)
        for other in _others(token[0])
    ]
    found += [
        replaced(path, source.encode(), statement.start(2), statement.end(2), "")
        for statement in _STATEMENT.finditer(code)
    ]
    return sorted(found, key=lambda mutant: mutant.line)


def _others(token: str) -> tuple[str, ...]:
    if token[0].isdigit():
        value = int(token, 0)
        return (str(value + 1), str(value - 1)) if value else ("1",)
    return _SWAPS.get(token, ())
