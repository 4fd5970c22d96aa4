"""Of whom a comment may come: the smallest circle of ballots that is large enough to hide its writer."""

from collections import defaultdict
from collections.abc import Sequence

TARGET, UNIT, EVALUATION, NOWHERE = "target", "unit", "evaluation", "none"


def comment_places(ballots: Sequence[int], units: Sequence[str], *, floor: int) -> list[str]:
    """Return for each target how exactly its comments may be addressed (STATISTICS §5: free text n >= floor).

    ballots: counted ballots per target; units: its unit. "target": at least `floor` ballots are about it. "unit": it is
    shown as one of the targets of its unit that have too few, of which there are two or more with `floor` ballots
    together. "evaluation": likewise over all units; if these are too few, the smallest of the others join them, since a
    single one without a name would be named by that. "none": not shown at all; also without ballots.

    A total over a unit leaves out what is addressed to the evaluation only. So the difference between a total and what
    is shown below it is never about fewer than two targets or `floor` ballots.
    """
    places = [TARGET if n >= floor else NOWHERE for n in ballots]
    small: dict[str, list[int]] = defaultdict(list)
    for number, n in enumerate(ballots):
        if 0 < n < floor:
            small[units[number]].append(number)
    rest: list[int] = []
    for members in small.values():
        if _hides(members, ballots, floor):
            _mark(places, members, UNIT)
        else:
            rest += members
    return _with_company(places, rest, ballots, floor)


def _with_company(places: list[str], rest: list[int], ballots: Sequence[int], floor: int) -> list[str]:
    """Address what is left to the evaluation, with as many of the smallest other targets as it needs."""
    if not rest:
        return places
    others = sorted((n, number) for number, n in enumerate(ballots) if places[number] == TARGET)
    circle = list(rest)
    for _n, number in others:
        if _hides(circle, ballots, floor):
            break
        circle.append(number)
    if _hides(circle, ballots, floor):
        _mark(places, circle, EVALUATION)
    return places


def _hides(members: Sequence[int], ballots: Sequence[int], floor: int) -> bool:
    return len(members) >= 2 and sum(ballots[number] for number in members) >= floor


def _mark(places: list[str], members: Sequence[int], place: str) -> None:
    for number in members:
        places[number] = place
