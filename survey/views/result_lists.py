"""Lists of results as an account may see them: what was asked for in the address, and the addresses of other orders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import request, url_for
from flask_babel import gettext as _

from survey.access import own_school
from survey.errors import NotFound
from survey.queries import results, target_lists
from survey.queries.outside import outside
from survey.queries.paging import find_place
from survey.queries.results import EvaluationHead, Row
from survey.queries.target_lists import TargetFilter, TargetPage

LONGEST_SEARCH = 100
RAW = "score"


@dataclass(frozen=True, kw_only=True)
class Listing:
    """One page of targets as this account may see them, and the addresses of its other pages and orders.

    asks: the order by raw score was asked for but not confirmed yet, so the list stands in the order of codes.
    """

    head: EvaluationHead
    wanted: TargetFilter
    found: TargetPage
    rows: Sequence[Row]
    endpoint: str
    fixed: Mapping[str, Any]
    asks: bool = False

    @property
    def asked(self) -> dict[str, Any]:
        """What was asked for, as arguments of the address."""
        unit = {} if "code" in self.fixed else {"unit": self.wanted.unit or None}
        order = "down" if self.wanted.descending else None
        raw = 1 if self.wanted.sort == RAW else None
        only, sought = self.wanted.only or None, self.wanted.search or None
        return {**self.fixed, **unit, "q": sought, "only": only, "sort": self.wanted.sort, "order": order, "raw": raw}

    def sorted_by(self, key: str) -> str:
        """Return the address of the list by a column, turned round if it is in this order already."""
        turn = self.wanted.sort == key and not self.wanted.descending
        known = {"raw": 1 if key == RAW and self.wanted.sort == RAW else None}
        return self._address({"sort": key, "order": "down" if turn else None} | known)

    def by_raw_score(self) -> str:
        """Return the address that orders by raw score although the warning was read."""
        return self._address({"sort": RAW, "order": "down", "raw": 1})

    def only(self, key: str | None) -> str:
        """Return the address of the targets that stand out in one way, all for None."""
        return self._address({"only": key})

    def _address(self, changes: Mapping[str, Any]) -> str:
        return url_for(self.endpoint, **{**self.asked, **changes})


def bureau_head(campaign_id: int, relation: str) -> EvaluationHead:
    """Return an evaluation for a page that holds several schools, which does not exist for a school's account."""
    if own_school() is not None:
        raise NotFound(_("This page does not exist."))
    return results.find_head(campaign_id, relation)


def listing(head: EvaluationHead, unit: str, endpoint: str, fixed: Mapping[str, Any]) -> Listing:
    """Return the page of targets that the address asks for."""
    sort = request.args.get("sort", "code")
    asks = sort == RAW and "raw" not in request.args
    wanted = _filter(unit=unit, sort="code" if asks or sort not in target_lists.SORTS else sort)
    found = target_lists.list_targets(head, wanted)
    return Listing(
        head=head, wanted=wanted, found=found, rows=seen(found.rows), endpoint=endpoint, fixed=fixed, asks=asks
    )


def _filter(*, unit: str, sort: str) -> TargetFilter:
    only = request.args.get("only", "")
    return TargetFilter(
        unit=unit,
        only=only if only in target_lists.ONLY else "",
        school=own_school(),
        search=sought(),
        sort=sort,
        descending=request.args.get("order") == "down" and sort == request.args.get("sort"),
        page=page_number(),
    )


def sought() -> str:
    """Return what the address searches for."""
    return request.args.get("q", "").strip()[:LONGEST_SEARCH]


def page_number() -> int:
    """Return which page the address asks for."""
    return request.args.get("page", 1, type=int)


def cut(entries: Sequence[Any], size: int) -> tuple[int, int, Sequence[Any]]:
    """Return the page asked for, the number of pages, and its entries."""
    place = find_place(len(entries), page=page_number(), size=size)
    return place.page, place.pages, entries[place.start : place.start + size]


def seen(rows: Sequence[Row]) -> list[Row]:
    """Return rows as this account may see them."""
    return list(rows) if own_school() is None else [outside(row) for row in rows]
