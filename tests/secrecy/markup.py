"""What a browser would make of a page: its elements with their attributes, and anything that could run."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urlsplit

ADDRESSES = {"href", "src", "action", "formaction", "xlink:href", "data", "poster", "srcdoc", "background"}
_OWN = re.compile(r"/s/|/|\?|#|$")


class Markup(HTMLParser):
    """Element and attribute names of one page (`parts`), and what must never be there (`faults`)."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: set[tuple[str, str]] = set()
        self.faults: list[str] = []
        self.texts: list[str] = []
        self._inside = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        self.parts.add((tag, ""))
        for name, value in attrs:
            self.parts.add((tag, name))
            self.texts.append(value or "")
            self.faults += _faults(tag, name, value or "")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script" and data.strip():
            self.faults.append(f"inline script {data[:60]}")
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.faults.append(f"comment {data[:60]}")

    def unknown_decl(self, data: str) -> None:
        self.faults.append(f"declaration {data[:60]}")


def _faults(tag: str, name: str, value: str) -> Iterator[str]:
    if name.startswith("on"):
        yield f"{tag} {name}={value}"
    if name in ADDRESSES:
        parts = urlsplit(value.strip())
        own = (parts.scheme, parts.netloc) == ("", "") and _OWN.match(value) is not None
        # An empty picture in place of the browser's own question for one.
        if not own and value != "data:,":
            yield f"{tag} leads to {value}"
    if tag in ("iframe", "object", "embed", "base", "audio", "video", "template", "math", "marquee"):
        yield f"element {tag}"
