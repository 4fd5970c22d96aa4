"""Signs between words and sentences as the reader's language writes them; Chinese has full-width ones and no spaces."""

from collections.abc import Iterable

from flask_babel import get_locale
from flask_babel.speaklater import LazyString


def speaks_chinese() -> bool:
    """Tell whether the reader's language is Chinese; without a reader it is."""
    return str(get_locale() or "zh").startswith("zh")


GAP = LazyString(lambda: "" if speaks_chinese() else " ")
"""Between two sentences."""
COLON = LazyString(lambda: "：" if speaks_chinese() else ": ")


def bracketed(text: object) -> str:
    """Write what stands in brackets behind a word, with the space before it where there is one."""
    return f"（{text}）" if speaks_chinese() else f" ({text})"


def in_a_row(sentences: Iterable[object]) -> str:
    """Write sentences one after the other."""
    return str(GAP).join(str(sentence) for sentence in sentences)
