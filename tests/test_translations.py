"""The Chinese catalogue is complete, compiled, and keeps every placeholder."""

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from flask import Flask
from flask_babel import force_locale

ROOT = Path(__file__).parents[1]
CATALOGUE = ROOT / "survey" / "translations" / "zh_Hans_CN" / "LC_MESSAGES" / "messages.po"
PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w+\}")


@pytest.fixture(scope="module")
def wanted() -> set[str]:
    """Every message of the sources and templates."""
    methods = [("**.py", "python"), ("**.html", "jinja2")]
    keywords = {"_": None, "gettext": None, "lazy_gettext": None, "N_": None, "ngettext": (1, 2)}
    found = set()
    for folder in ("survey", "templates"):
        for _file, _line, message, _comments, _context in extract_from_dir(ROOT / folder, methods, {}, keywords):
            found.add(message if isinstance(message, str) else message[0])
    return {message for message in found if message}


def translations() -> dict[str, str]:
    with CATALOGUE.open("rb") as file:
        messages = [message for message in read_po(file) if message.id]
    pairs = ((m.id if isinstance(m.id, str) else m.id[0], m.string) for m in messages)
    return {key: text if isinstance(text, str) else text[0] for key, text in pairs}


def test_every_message_has_a_chinese_text(wanted: set[str]) -> None:
    known = translations()
    assert sorted(message for message in wanted if not known.get(message)) == []


def test_nothing_is_translated_that_nobody_says(wanted: set[str]) -> None:
    assert sorted(set(translations()) - wanted) == []


def test_placeholders_survive_translation() -> None:
    wrong = [
        key for key, text in translations().items() if set(PLACEHOLDER.findall(key)) != set(PLACEHOLDER.findall(text))
    ]
    assert wrong == []


def test_messages_of_templates_hold_no_bare_per_cent_sign() -> None:
    # Jinja formats every message, also those without a variable: "95 %" would be an error on the page.
    with CATALOGUE.open("rb") as file:
        messages = [m for m in read_po(file) if m.id and any("templates" in place for place, _line in m.locations)]
    texts = [text for m in messages for text in (m.id, m.string) if isinstance(text, str)]
    assert [text for text in texts if "%" in PLACEHOLDER.sub("", text).replace("%%", "")] == []


def test_the_compiled_catalogue_is_the_written_one() -> None:
    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        compiled = {
            (m.id if isinstance(m.id, str) else m.id[0]): (m.string if isinstance(m.string, str) else m.string[0])
            for m in read_mo(file)
            if m.id
        }
    assert compiled == translations()


def test_no_template_keeps_the_language_of_who_opened_it_first(app: Flask) -> None:
    """A filter of a constant is computed when a template is compiled, once for all readers."""
    compiled: dict[str, set[str]] = {}
    for language in ("en", "zh_Hans_CN"):
        with app.test_request_context(), force_locale(language):
            for name in app.jinja_env.list_templates():
                source = app.jinja_env.loader.get_source(app.jinja_env, name)[0]  # type: ignore[union-attr]
                compiled.setdefault(name, set()).add(app.jinja_env.compile(source, name, raw=True))
    assert [name for name, codes in compiled.items() if len(codes) > 1] == []
    assert len(compiled) > 100


def test_between_two_sentences_stands_what_the_language_asks_for() -> None:
    """Chinese has no space there, nor a half-width colon or bracket behind its words: `gap`, `colon`, `|bracketed`."""
    sentences = re.compile(r"""\.['"][^{}]*\) \}\}(?:\{% endif %\})?\s(?:\{% if [^%]*%\})?\{\{ _\(""")
    signs = re.compile(r"\}\}: | \(\{\{")
    templates = {str(path.relative_to(ROOT)): path.read_text() for path in (ROOT / "templates").rglob("*.html")}
    wrong = [
        (name, found.group(0)[-60:])
        for name, text in templates.items()
        for found in (*sentences.finditer(text), *signs.finditer(text))
        if "formula" not in text.splitlines()[text[: found.start()].count("\n")]
    ]
    assert wrong == []
