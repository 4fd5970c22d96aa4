"""Corrected versions of a release: what a new version may say, so that the difference from earlier ones tells nothing.

A correction only ever takes ballots away: those of a voided unit. Call a target *changed* if it had other ballots in an
earlier version, and *hidden* if its figures are withheld in one of the versions though it has ballots there. The rules:

1. Who was hidden stays hidden. Who was shown is hidden now if the change is of fewer ballots than a figure of an item
   may rest on: what was taken away would be the difference of two published figures.
2. A sum over targets (a unit, all of them) in which a changed target is hidden is withheld.
3. Any other sum says no more than it said in every earlier version; where something in it changed, not its clustered
   error, if somebody is hidden: it has another centre now, a new equation. The reliability is fitted to shown targets.

Why that is enough: by 2, all changed targets of a sum that is still published are known in all versions, so that what
it says about hidden ones, less what is known, is a function of targets that did not change. By 3 it is a function that
an earlier version published too: a sum of the same means, or of their squares. So the equations about hidden targets
are those of the earlier versions, which were audited. `told_apart` checks it on finished records, from the numbers.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from survey.analysis.arrays import Bools, Floats, Ints
from survey.analysis.bounds import row_basis
from survey.analysis.disclosure import NOWHERE, Extent, Published, extent_of, fit_weights
from survey.analysis.moments import Moments
from survey.analysis.reliability import Reliability
from survey.analysis.scoring import Floors
from survey.analysis.suppression import DERIVABLE, Protection, Tree

LEAST_FREE = 1e-4
ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True, eq=False)
class Earlier:
    """What earlier versions tell, by target (n_targets,) and unit (n_units,) of the new one.

    hidden: withheld with ballots in one of them; changed: it had other ballots; few: shown, and the change is of too
    few ballots; items_hidden: an item was withheld. units, overall: the least Extent. rates: counts were told in all.
    """

    hidden: Bools
    changed: Bools
    few: Bools
    items_hidden: Bools
    units: Ints
    overall: Extent
    rates: bool

    def withhold(self, reasons: Sequence[str | None]) -> tuple[str | None, ...]:
        """Return the reasons (n_targets,) with those of rule 1."""
        forced = (self.hidden | self.few).tolist()
        return tuple(reason or (DERIVABLE if must else None) for reason, must in zip(reasons, forced, strict=True))

    def closed(self, tree: Tree) -> Bools:
        """Tell which units (n_units,) rule 2 withholds by what `tree` hides: nobody need be hidden for their sums."""
        secret = np.array([reason is not None for reason in tree.withheld], dtype=np.bool_)
        inside = secret & ((tree.mean.n > 0) | self.hidden) & self.changed & (tree.part_of >= 0)
        return np.asarray(np.bincount(tree.part_of[inside], minlength=tree.size) > 0)

    def narrow(self, found: Protection, *, part_of: Ints, valid: Ints, counts: Ints, floors: Floors) -> Protection:
        """Return the protection with rules 2 and 3; counts (n_targets, n_items, 1 + n_levels)."""
        withheld = np.array([reason is not None for reason in found.withheld], dtype=np.bool_)
        secret = withheld & ((valid > 0) | self.hidden)
        closed = secret & self.changed
        units = np.minimum(found.units, self.units)
        units[np.unique(part_of[closed & (part_of >= 0)])] = int(Extent.NONE)
        moved = np.intersect1d(part_of[self.changed & (part_of >= 0)], part_of[secret & (part_of >= 0)])
        units[moved] = np.minimum(units[moved], int(Extent.POOLED))
        most = Extent.POOLED if self.changed.any() and secret.any() else Extent.ALL
        overall = Extent.NONE if closed.any() else min(found.overall, self.overall, most)
        answers = counts.sum(axis=-1)
        item_hidden = self.items_hidden | ((answers > 0) & (answers < floors.item)).any(axis=1)
        return replace(
            found,
            units=units,
            overall=Extent(overall),
            rates=found.rates and self.rates and not (self.changed & item_hidden).any(),
            fit_shown=found.fit_shown or bool(secret.any()),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Present:
    """What the new version is made of, by target (n_targets,); counts (n_targets, n_items, 1 + n_levels)."""

    targets: Sequence[str]
    units: Sequence[str]
    items: Sequence[str]
    ballots: Ints
    valid: Ints
    flagged: Ints
    counts: Ints


def earlier_versions(versions: Sequence[Published], present: Present, floors: Floors) -> Earlier | None:
    """Read from the published records of earlier versions what the next one has to heed; None without one."""
    if not versions:
        return None
    parts = [_one_version(version, present, floors) for version in versions]
    return Earlier(
        hidden=np.any([part.hidden for part in parts], axis=0),
        changed=np.any([part.changed for part in parts], axis=0),
        few=np.any([part.few for part in parts], axis=0),
        items_hidden=np.any([part.items_hidden for part in parts], axis=0),
        units=np.min([part.units for part in parts], axis=0),
        overall=min(part.overall for part in parts),
        rates=all(part.rates for part in parts),
    )


def _one_version(version: Published, present: Present, floors: Floors) -> Earlier:
    known = {record["target"]: record for record in version.targets}
    records = [known[code] for code in present.targets]
    ballots, valid, flagged = (_column(records, name) for name in ("ballots", "valid", "flagged"))
    hidden = np.array([record["mean"] is None for record in records], dtype=np.bool_) & (valid > 0)
    changed = (ballots != present.ballots) | (valid != present.valid)
    answers = present.counts.sum(axis=-1)
    before = np.array([_answers(record, present.items, now) for record, now in zip(records, answers, strict=True)])
    taken = before.reshape(answers.shape) - answers
    few = ((taken > 0) & (taken < max(floors.item, floors.ballots))).any(axis=1)
    # Results without flagged ballots are published too: what is left of the change must not be a handful either.
    clean = (ballots - flagged) - (present.ballots - present.flagged)
    few |= (clean > 0) & (clean < floors.ballots)
    extents = {record["unit"]: extent_of(record) for record in version.units}
    return Earlier(
        hidden=hidden,
        changed=changed,
        # Where nothing is left, the difference is what was published before.
        few=few & changed & ~hidden & (present.valid > 0),
        items_hidden=np.array([_hides_an_item(record) for record in records], dtype=np.bool_),
        units=np.array([extents.get(code, Extent.NONE) for code in present.units], dtype=np.int64),
        overall=extent_of(version.overall),
        rates=version.overall.get("counts") is not None or version.overall.get("satisfied_rate") is not None,
    )


def _column(records: Sequence[Mapping[str, Any]], name: str) -> Ints:
    return np.array([record[name] for record in records], dtype=np.int64)


def _answers(record: Mapping[str, Any], items: Sequence[str], now: Ints) -> Ints:
    """Return the answers to each item that a record publishes; those of now where it publishes none."""
    if not record["items"]:
        return now
    return np.array([record["items"][item]["n"] for item in items], dtype=np.int64)


def _hides_an_item(record: Mapping[str, Any]) -> bool:
    return any(item["n"] > 0 and item["mean"] is None for item in record["items"].values())


@dataclass(frozen=True, kw_only=True, eq=False)
class Version:
    """A version as its reader sees it: records, the true ballots and means behind them (n_targets,), and its fit."""

    records: Published
    valid: Ints
    mean: Floats
    fit: Reliability | None


def version_of(records: Published, present: Moments, *, number: int) -> Version:
    """Return a version as far as it is known from its records and the means (n_targets,) of today.

    A target with as many valid ballots as now has the mean of now; any other one a mean of its own, which is not known.
    """
    valid = _column(records.targets, "valid")
    same = valid == present.n
    return Version(
        records=records, valid=valid, mean=np.where(same, present.mean, present.mean + 1e-6 * (number + 1)), fit=None
    )


def told_apart(versions: Sequence[Version], *, least: int) -> tuple[str, ...]:
    """Audit all versions together, as a reader would who has kept them; return the targets that give something away.

    By rank: every published sum of every version is an equation in the means that are withheld, where a mean that did
    not change is one unknown in all of them. A mean is derived if its direction lies in the span of the equations.
    And by difference: a target shown twice, with a change of fewer than `least` ballots. The versions hold the same
    targets in the same order.
    """
    codes = [record["target"] for record in versions[0].records.targets]
    unknown = _unknowns(versions)
    found = set(np.flatnonzero(_small_differences(versions, least)).tolist())
    for number in np.flatnonzero(_free(versions, unknown) < LEAST_FREE).tolist():
        found |= set(np.flatnonzero((unknown == number).any(axis=0)).tolist())
    return tuple(codes[row] for row in sorted(found))


def _free(versions: Sequence[Version], unknown: Ints) -> Floats:
    """Return for each unknown (k,) the share (squared) of its direction that no equation of any version tells."""
    size = int(unknown.max(initial=NOWHERE)) + 1
    anywhere = np.random.default_rng(size).uniform(1.0, 5.0, size)
    free = np.ones(size)
    across = np.array([row for k, one in enumerate(versions) for row in _across(one, unknown[k], anywhere)])
    across = across.reshape(len(across), size)
    codes = [record["unit"] for record in versions[0].records.targets]
    place = {code: number for number, code in enumerate(dict.fromkeys(codes))}
    unit_of = np.array([place[code] for code in codes], dtype=np.int64)
    extents = [{record["unit"]: extent_of(record) for record in one.records.units} for one in versions]
    hiding = np.unique(unit_of[(unknown != NOWHERE).any(axis=0)])
    for unit, number in ((code, number) for code, number in place.items() if number in hiding):
        rows = [
            row
            for k, one in enumerate(versions)
            for row in _of_sum(
                one, unit_of == number, extents[k].get(unit, Extent.NONE), unknown=unknown[k], anywhere=anywhere
            )
        ]
        told = np.array(rows).reshape(len(rows), size)
        columns = np.flatnonzero((told != 0.0).any(axis=0))
        if len(columns):
            basis = row_basis(told[:, columns])
            free[columns] -= (basis**2).sum(axis=0)
            across[:, columns] -= (across[:, columns] @ basis.T) @ basis
    across = across[np.linalg.norm(across, axis=1) > ROUNDING]
    return np.asarray(free - (row_basis(across) ** 2).sum(axis=0))


def _shown(version: Version) -> Bools:
    return np.array([record["mean"] is not None for record in version.records.targets], dtype=np.bool_)


def _unknowns(versions: Sequence[Version]) -> Ints:
    """Return the number of the unknown that each target's mean is in each version (n_versions, n_targets)."""
    number = np.full((len(versions), len(versions[0].valid)), NOWHERE, dtype=np.int64)
    named: dict[tuple[int, int, float], int] = {}
    shown = {
        (row, int(v.valid[row]), float(v.mean[row])) for v in versions for row in np.flatnonzero(_shown(v)).tolist()
    }
    for place, version in enumerate(versions):
        for row in np.flatnonzero(version.valid > 0).tolist():
            key = (row, int(version.valid[row]), float(version.mean[row]))
            if key not in shown:
                number[place, row] = named.setdefault(key, len(named))
    return number


def _across(version: Version, unknown: Ints, anywhere: Floats) -> Iterator[Floats]:
    """Yield the gradients (k,), each of length 1, of what a version publishes over all its targets."""
    everywhere = np.ones(len(unknown), dtype=np.bool_)
    extent = min(extent_of(version.records.overall), Extent.POOLED)
    told = list(_of_sum(version, everywhere, extent, unknown=unknown, anywhere=anywhere))
    rows = np.flatnonzero(unknown != NOWHERE)
    if version.fit is not None and version.fit.mu is not None and len(rows):
        weight = fit_weights(version.valid[rows], version.fit)
        told.append(_row(weight, unknown[rows], len(anywhere)))
        told.append(_row(weight**2 * (anywhere[unknown[rows]] - version.fit.mu), unknown[rows], len(anywhere)))
    yield from (row / np.linalg.norm(row) for row in told)


def _of_sum(version: Version, inside: Bools, extent: Extent, *, unknown: Ints, anywhere: Floats) -> Iterator[Floats]:
    rows = np.flatnonzero(inside & (unknown != NOWHERE))
    if not len(rows) or extent == Extent.NONE:
        return
    n, mean = version.valid[rows].astype(np.float64), anywhere[unknown[rows]]
    centre = float(np.average(version.mean[inside], weights=version.valid[inside]))
    for values in [np.ones(len(n)), mean, n, n**2 * (mean - centre)][: int(extent)]:
        yield _row(values, unknown[rows], len(anywhere))


def _row(values: Floats, places: Ints, size: int) -> Floats:
    row = np.zeros(size)
    row[places] = values
    return row


def _small_differences(versions: Sequence[Version], least: int) -> Bools:
    """Tell which targets are shown in two versions with a change of fewer ballots than `least`, but of some."""
    found = np.zeros(len(versions[0].valid), dtype=np.bool_)
    for one, other in combinations(versions, 2):
        taken = np.abs(one.valid - other.valid)
        found |= _shown(one) & _shown(other) & (taken > 0) & (taken < least)
    return found
