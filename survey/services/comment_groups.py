"""Comments that say the same in the same or nearly the same words, so that one wording with a count stands for them."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence

LIKE = 0.7
# Below so many letters two texts are the same or they are not: 好 and 不好 are near each other.
SHORTEST = 8
# More different wordings about one target are not compared with each other.
MOST_COMPARED = 1_500
# Two texts that differ in one of these say different things.
_TURNS = "不没无未别勿少多太难非"


def group_comments(texts: Sequence[str]) -> list[list[int]]:
    """Return the positions of texts that belong together, each group with its own wording first.

    The same: equal without spaces, punctuation and differences of width and case. Nearly the same: at least
    `SHORTEST` letters, the same number of each word that turns a sentence round, and pairs of neighbouring letters in
    common to `LIKE` (Jaccard 1901). The wording is the most frequent one of the group, of these the longest.
    """
    same: dict[str, list[int]] = defaultdict(list)
    for number, text in enumerate(texts):
        same[_bare(text)].append(number)
    groups = _near(same) if len(same) <= MOST_COMPARED else list(same.values())
    return [_wording_first(members, texts) for members in groups]


def _bare(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(letter for letter in folded if letter.isalnum()) or text


def _near(same: dict[str, list[int]]) -> list[list[int]]:
    """Join what is near to the first of a group, the most frequent wordings going first."""
    order = sorted(same, key=lambda key: (-len(same[key]), key))
    shapes = {key: _pairs(key) for key in order}
    heads: list[str] = []
    groups: dict[str, list[int]] = {}
    for key in order:
        head = next((head for head in heads if _like(head, key, shapes)), None)
        if head is None:
            heads.append(key)
            groups[key] = list(same[key])
        else:
            groups[head] += same[key]
    return list(groups.values())


def _pairs(key: str) -> frozenset[str]:
    return frozenset(key[start : start + 2] for start in range(len(key) - 1))


def _like(one: str, other: str, shapes: dict[str, frozenset[str]]) -> bool:
    if min(len(one), len(other)) < SHORTEST or max(len(one), len(other)) * LIKE > min(len(one), len(other)) + 1:
        return False
    if any(one.count(turn) != other.count(turn) for turn in _TURNS):
        return False
    a, b = shapes[one], shapes[other]
    return len(a & b) >= LIKE * len(a | b)


def _wording_first(members: list[int], texts: Sequence[str]) -> list[int]:
    often = Counter(texts[number] for number in members)
    first = min(members, key=lambda number: (-often[texts[number]], -len(texts[number]), texts[number]))
    return [first, *(number for number in members if number != first)]


# Said by whoever fills a field because it is there.
_NOTHING = frozenset(
    {"无", "没有", "没有意见", "没意见", "无意见", "暂无", "没", "不知道", "na", "no", "none", "没有了"}
)


def says_nothing(text: str) -> bool:
    """Tell whether a comment only says that there is none."""
    bare = _bare(text)
    return bare in _NOTHING or not any(letter.isalnum() for letter in bare)
