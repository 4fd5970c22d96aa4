"""Templates that somebody uploaded are filled in a process of their own, with little time and memory, checked first.

Only known placeholders, plain loops over known lists and plain conditions are let through: no call, no filter, no
arithmetic, no inclusion. Nothing that is let through can run long, for a loop inside a loop walks only what hangs on
the outer one. What runs is Jinja's sandbox on strings; the limits of the process hold should both of these fail.
"""

import json
import multiprocessing
from collections.abc import Mapping
from typing import Any

from survey.errors import N_, BadInput

SECONDS = 20
_MEMORY = 1024 * 1024 * 1024
TEXT, PICTURE = "text", "picture"
"""What a placeholder is; else a list with one element that says what its members are, or a dictionary."""

Shape = Any
_LOOP: Shape = {"index": TEXT, "index0": TEXT, "first": TEXT, "last": TEXT, "length": TEXT}
SENTENCES = {
    "unknown": N_("The template uses {{ %(what)s }}, which is no known placeholder."),
    "forbidden": N_("The template holds %(what)s; only placeholders, loops over lists and conditions are possible."),
    "nested": N_("The template loops over %(what)s inside another loop; loop only over what belongs to the outer one."),
    "syntax": N_("The template cannot be read near “%(what)s”: a brace or the end of a loop or condition is missing."),
    "no_list": N_("The template loops over %(what)s, which is no list."),
    "list": N_("The template prints %(what)s, which is a list; loop over it."),
    "damaged": N_("The template cannot be filled; open it in Word or WPS, save it as .docx and try again."),
    "slow": N_("Filling the template takes too long or too much memory; start again from the template in force."),
}


class Unfit(Exception):
    """A template that is refused; `key` of `SENTENCES` and what it is about."""

    def __init__(self, key: str, what: str = "") -> None:
        super().__init__(key, what)
        self.key, self.what = key, what


def fill_apart(template: bytes, texts: Mapping[str, Any], shape: Shape) -> bytes:
    """Return the document of an uploaded template, made in a process of its own; raise BadInput naming what is wrong.

    shape: what may be asked of `texts`, see `TEXT`.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(theirs, template, dict(texts), shape), daemon=True)
    process.start()
    theirs.close()
    try:
        verdict = json.loads(ours.recv_bytes()) if ours.poll(SECONDS) else {"error": "slow", "what": ""}
        if verdict["error"]:
            raise BadInput(SENTENCES[verdict["error"]], what=verdict["what"])
        return ours.recv_bytes()
    except EOFError:
        raise BadInput(SENTENCES["slow"]) from None
    finally:
        process.kill()
        process.join()
        ours.close()


def _run(pipe: Any, template: bytes, texts: Mapping[str, Any], shape: Shape) -> None:
    """Check and fill in the other process, and send a verdict, then the document."""
    _limit()
    try:
        check_placeholders(template, shape)
        from survey.services.word_documents import fill_word

        document = fill_word(template, texts)
    except Unfit as unfit:
        pipe.send_bytes(json.dumps({"error": unfit.key, "what": unfit.what}).encode())
    except MemoryError:
        pipe.send_bytes(json.dumps({"error": "slow", "what": ""}).encode())
    except Exception:
        pipe.send_bytes(json.dumps({"error": "damaged", "what": ""}).encode())
    else:
        pipe.send_bytes(json.dumps({"error": "", "what": ""}).encode())
        pipe.send_bytes(document)


def _limit() -> None:
    """Take time and memory from this process; where a system has no such limits, its parent ends it in time."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def check_placeholders(template: bytes, shape: Shape) -> None:
    """Raise Unfit unless all that docxtpl would run in a template is let through."""
    from jinja2 import TemplateSyntaxError

    from survey.services.word_documents import environment, template_sources

    for source in template_sources(template):
        try:
            tree = environment().parse(source)
        except TemplateSyntaxError as error:
            raise Unfit("syntax", _near(source, error.lineno)) from error
        _Check(shape).visit_all(tree.body, {**shape}, frozenset())


def _near(source: str, line: int) -> str:
    import re

    lines = source.splitlines() or [""]
    found = re.sub(r"<[^>]*>", "", lines[min(line, len(lines)) - 1])
    return " ".join(found.split())[:60]


class _Check:
    """Walks a template; scope: name → shape; inner: names that belong to a loop around."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    def visit_all(self, body: list[Any], scope: Mapping[str, Shape], inner: frozenset[str]) -> None:
        """Check statements one after the other."""
        for node in body:
            kind = type(node).__name__
            handler = {"Output": self._output, "For": self._for, "If": self._if}.get(kind)
            if handler is None:
                raise Unfit("forbidden", _statement(kind))
            handler(node, scope, inner)

    def _output(self, node: Any, scope: Mapping[str, Shape], inner: frozenset[str]) -> None:
        for part in node.nodes:
            if type(part).__name__ == "TemplateData":
                continue
            if isinstance(self._resolve(part, scope), list | dict):
                raise Unfit("list", _written(part))

    def _for(self, node: Any, scope: Mapping[str, Shape], inner: frozenset[str]) -> None:
        shape = self._resolve(node.iter, scope)
        if not isinstance(shape, list):
            raise Unfit("no_list", _written(node.iter))
        if inner and _root(node.iter) not in inner:
            raise Unfit("nested", _written(node.iter))
        if node.test is not None or node.recursive or type(node.target).__name__ != "Name":
            raise Unfit("forbidden", _statement("For"))
        name = node.target.name
        self.visit_all(node.body, {**scope, name: shape[0], "loop": _LOOP}, inner | {name})
        self.visit_all(node.else_, scope, inner)

    def _if(self, node: Any, scope: Mapping[str, Shape], inner: frozenset[str]) -> None:
        self._condition(node.test, scope)
        self.visit_all(node.body, scope, inner)
        for branch in node.elif_:
            self._if(branch, scope, inner)
        self.visit_all(node.else_, scope, inner)

    def _condition(self, node: Any, scope: Mapping[str, Shape]) -> None:
        kind = type(node).__name__
        if kind == "Not":
            self._condition(node.node, scope)
        elif kind in ("And", "Or"):
            self._condition(node.left, scope)
            self._condition(node.right, scope)
        else:
            self._resolve(node, scope)

    def _resolve(self, node: Any, scope: Mapping[str, Shape]) -> Shape:
        """Return what a placeholder is; raise Unfit for one that is not known, or no placeholder at all."""
        kind = type(node).__name__
        if kind == "Name":
            if node.name not in scope:
                raise Unfit("unknown", node.name)
            return scope[node.name]
        if kind == "Getattr":
            shape = self._resolve(node.node, scope)
            if not isinstance(shape, dict) or node.attr not in shape:
                raise Unfit("unknown", _written(node))
            return shape[node.attr]
        raise Unfit("forbidden", _statement(kind))


def _written(node: Any) -> str:
    kind = type(node).__name__
    if kind == "Getattr":
        return f"{_written(node.node)}.{node.attr}"
    return str(node.name) if kind == "Name" else "…"


def _root(node: Any) -> str:
    while type(node).__name__ == "Getattr":
        node = node.node
    return str(getattr(node, "name", ""))


def _statement(kind: str) -> str:
    """Name what a template may not hold as its author would write it."""
    known = {
        "Filter": "{{ … | … }}",
        "Call": "{{ …(…) }}",
        "Getitem": "{{ …[…] }}",
        "Assign": "{% set %}",
        "AssignBlock": "{% set %}",
        "Include": "{% include %}",
        "Import": "{% import %}",
        "FromImport": "{% from %}",
        "Extends": "{% extends %}",
        "Macro": "{% macro %}",
        "CallBlock": "{% call %}",
        "FilterBlock": "{% filter %}",
        "Block": "{% block %}",
        "With": "{% with %}",
        "For": "{% for … if … %}",
    }
    return known.get(kind, "{{ … }}")
