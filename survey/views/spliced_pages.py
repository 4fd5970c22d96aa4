"""Pages rendered once for everybody: one respondent's values are spliced in between texts that never change."""

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from struct import Struct
from typing import Self

from flask import request
from markupsafe import escape
from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header

from survey.views.replies import Reply

# Control characters, so that no text of a questionnaire or roster can look like a mark.
_MARK = re.compile("\x02(\\w+)\x03")
_GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_STORED = Struct("<BHH")
_HTML = ("Content-Type", "text/html; charset=utf-8")
_GZIP = ("Content-Encoding", "gzip")
_LAST_BLOCK = b"\x03\x00"
_TRAILER = Struct("<II")


def mark(name: str) -> str:
    """Return what a template renders in the place of a slot; no filter or condition may touch it."""
    return f"\x02{name}\x03"


@dataclass(frozen=True, kw_only=True)
class SplicedPage:
    """Texts in UTF-8 and the slots between them: `texts` has one more than `slots`, whose names may repeat."""

    texts: tuple[bytes, ...]
    slots: tuple[str, ...]

    @classmethod
    def cut(cls, rendered: str) -> Self:
        """Cut a page at the marks with which it was rendered."""
        parts = _MARK.split(rendered)
        return cls(texts=tuple(part.encode() for part in parts[::2]), slots=tuple(parts[1::2]))

    @cached_property
    def _packed(self) -> tuple[bytes, ...]:
        return tuple(_deflate(text) for text in self.texts)

    def respond(self, values: Mapping[str, str]) -> Reply:
        """Return the page with these values (plain texts, escaped here), compressed if the browser takes it.

        It must not be stored by anybody, so that no `Vary` is needed.
        """
        pieces = [escape(values[name]).encode() for name in self.slots]
        if takes_gzip(request.environ.get("HTTP_ACCEPT_ENCODING", "")):
            return Reply("200 OK", self._gzipped(pieces), [_HTML, _GZIP])
        body = b"".join(part for pair in zip(self.texts, [*pieces, b""], strict=True) for part in pair)
        return Reply("200 OK", body, [_HTML])

    def _gzipped(self, pieces: list[bytes]) -> bytes:
        """Return a gzip file (RFC 1952) of texts deflated once and values stored as they are.

        That costs a check sum only; and as a value never shares a compressed block with anything, the length of the
        answer tells nothing about it (BREACH).
        """
        body = [_GZIP_HEAD, self._packed[0]]
        check, size = zlib.crc32(self.texts[0]), len(self.texts[0])
        for piece, text, packed in zip(pieces, self.texts[1:], self._packed[1:], strict=True):
            # A stored block of RFC 1951: no bit set, its length, the length's complement, the bytes.
            body += (_STORED.pack(0, len(piece), ~len(piece) & 0xFFFF), piece, packed)
            check, size = zlib.crc32(text, zlib.crc32(piece, check)), size + len(piece) + len(text)
        body += (_LAST_BLOCK, _TRAILER.pack(check, size))
        return b"".join(body)


def _deflate(text: bytes) -> bytes:
    """Return raw deflate blocks that end on a whole byte, so that others may follow."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(text) + packer.flush(zlib.Z_FULL_FLUSH)


@lru_cache(maxsize=64)
def takes_gzip(accepted: str) -> bool:
    """Tell whether an Accept-Encoding header allows gzip."""
    return parse_accept_header(accepted, Accept)["gzip"] > 0
