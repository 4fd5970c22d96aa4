"""Schemes (计分办法): how levels become points, bands and verdicts, which floors and weights hold."""

import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from importlib import resources
from importlib.resources.abc import Traversable
from math import fsum
from typing import Any

BLANK = 255
"""The byte of an item that was not asked or not answered; 0 is 不了解 (no opinion), 1..254 are levels."""

NO_OPINION = 0
ANSWERED_LEVELS = "answered_levels"
"""The denominator rule: only answers on a level count; 不了解 and blanks are in no denominator."""

DENOMINATORS = (ANSWERED_LEVELS,)
DEFINITIONS = {1: "top_level", 2: "top_two", 3: "top_three"}
"""Names of the definitions of 满意率, by how many levels from the top count as satisfied."""

OWN_DEFINITION = "own"
ROUNDINGS = {"half_even": ROUND_HALF_EVEN, "half_up": ROUND_HALF_UP}
"""Rules for a figure half-way between two: to the even digit (GB/T 8170 四舍六入五成双), or up (四舍五入)."""

MOST_DIGITS = 4
ORDINARY_RESPONSE = 0.5
"""The response floor (share) of populations that have none of their own."""

_SCHEME_ID = re.compile(r"[a-z0-9_]+")
# Scores are sums of binary fractions: an exact 90 may come out as 89.999999999.
_EDGE = 1e-9
WHOLE = 100.0
# Thirds of a dimension's weight are not exact; a typing error is at least a hundredth.
_SUM_TOLERANCE = 1e-6


@dataclass(frozen=True, kw_only=True)
class Band:
    """One band (等次): its code and the lowest score in points that still belongs to it."""

    code: str
    floor: float


@dataclass(frozen=True, kw_only=True)
class Floors:
    """Floors (公布下限) below which figures are withheld; 0 switches a floor off.

    ballots: valid ballots of a published score. response: share in [0, 1]; 0 also switches off the response floor
    that the population brings. item: answers, 不了解 included, of an item figure. classes: clusters that the
    question-B interval needs to be valid. verdict_ballots, verdict_classes: what a verdict on one teacher needs.
    """

    ballots: int = 10
    response: float = ORDINARY_RESPONSE
    item: int = 20
    classes: int = 5
    verdict_ballots: int = 20
    verdict_classes: int = 2

    def response_for(self, usual: float) -> float:
        """Return the response floor of a population whose own floor is `usual` (share; parents have a lower one).

        A floor raised above the ordinary one holds for every population; 0 switches it off.
        """
        if self.response <= 0.0:
            return 0.0
        return max(usual, self.response) if self.response > ORDINARY_RESPONSE else usual

    def lowered(self, least: "Floors") -> tuple[str, ...]:
        """Return the names of the floors that are below those of `least`."""
        names = (one.name for one in fields(self))
        return tuple(name for name in names if getattr(self, name) < getattr(least, name))


@dataclass(frozen=True, kw_only=True)
class Rounding:
    """How many decimals a score is shown with, and which way a half goes. Figures are rounded when shown, never before.

    Raises ValueError for an unknown rule or more digits than `MOST_DIGITS`.
    """

    digits: int = 1
    rule: str = "half_even"

    def __post_init__(self) -> None:
        if self.rule not in ROUNDINGS or not 0 <= self.digits <= MOST_DIGITS:
            known = " or ".join(ROUNDINGS)
            raise ValueError(f"rounding needs 0 to {MOST_DIGITS} digits and the rule {known}: {vars(self)}")

    def write(self, value: float) -> str:
        """Write a figure as it is shown. The half is that of the shortest decimal that stands for the float."""
        step = Decimal(1).scaleb(-self.digits)
        return str(Decimal(repr(float(value))).quantize(step, rounding=ROUNDINGS[self.rule]))


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """A frozen scheme: level -> points in 0..100, satisfied levels, bands from best to worst, floors.

    margin: points that a difference must exceed to be flagged. threshold: points, for the verdict.
    careless_run: answered items from which a ballot of equal answers is flagged. denominator: the name of the rule.
    Weights sum to 100; empty means equal. dimension_weights: by dimension, spread over its items when the scheme is
    fitted to a questionnaire; audience_weights: by rater group, for composites. Raises ValueError if unusable.
    """

    id: str
    version: int
    points: Mapping[int, float]
    satisfied: tuple[int, ...]
    bands: tuple[Band, ...]
    margin: float = 2.5
    threshold: float = 60.0
    floors: Floors = field(default_factory=Floors)
    careless_run: int = 6
    item_weights: Mapping[str, float] = field(default_factory=dict)
    dimension_weights: Mapping[str, float] = field(default_factory=dict)
    audience_weights: Mapping[str, float] = field(default_factory=dict)
    denominator: str = ANSWERED_LEVELS
    rounding: Rounding = field(default_factory=Rounding)

    def __post_init__(self) -> None:
        if not self.points or not all(0 < level < BLANK for level in self.points):
            raise ValueError(f"scheme {self.id}: levels must lie in 1..{BLANK - 1}")
        if not all(0.0 <= points <= WHOLE for points in self.points.values()):
            raise ValueError(f"scheme {self.id}: points must lie in 0..100")
        if not set(self.satisfied) <= set(self.points):
            raise ValueError(f"scheme {self.id}: a satisfied level has no points")
        if self.denominator not in DENOMINATORS:
            raise ValueError(f"scheme {self.id}: there is no denominator rule {self.denominator!r}")
        if [band.floor for band in self.bands] != sorted((band.floor for band in self.bands), reverse=True):
            raise ValueError(f"scheme {self.id}: bands must go from best to worst")
        for kind in ("item", "dimension", "audience"):
            _check_weights(self.id, kind, getattr(self, f"{kind}_weights"))

    @property
    def levels(self) -> tuple[int, ...]:
        """The levels, ascending."""
        return tuple(sorted(self.points))

    @property
    def definition(self) -> str:
        """Name the definition of 满意率: "top_level", "top_two", "top_three" or "own"."""
        top = self.levels[::-1][: len(self.satisfied)]
        named = DEFINITIONS.get(len(self.satisfied), OWN_DEFINITION)
        return named if set(top) == set(self.satisfied) else OWN_DEFINITION

    def fitted(self, dimension_of: Mapping[str, str]) -> "Scheme":
        """Return the scheme with the weights of a questionnaire's items, given as item -> dimension.

        A dimension's weight is spread evenly over its items. Raises ValueError where the weights do not fit.
        """
        scheme = replace(self, item_weights=self._spread(dimension_of)) if self.dimension_weights else self
        scheme.weights_of(tuple(dimension_of))
        return scheme

    def _spread(self, dimension_of: Mapping[str, str]) -> dict[str, float]:
        sizes = Counter(dimension_of.values())
        wrong = sorted(set(sizes) ^ set(self.dimension_weights))
        if wrong:
            raise ValueError(
                f"scheme {self.id}: the dimension weights do not fit the questionnaire: {', '.join(wrong)}"
            )
        spread = {item: self.dimension_weights[code] / sizes[code] for item, code in dimension_of.items()}
        if self.item_weights and any(abs(spread[i] - w) > _SUM_TOLERANCE for i, w in self.item_weights.items()):
            raise ValueError(f"scheme {self.id}: give item weights or dimension weights, not both")
        return spread

    def weights_of(self, items: Sequence[str]) -> tuple[float, ...] | None:
        """Return the weights (n_items,) of a questionnaire's items, summing to 100; None if all are equal.

        A ballot's score is Σ w_j points_j / Σ w_j over the items it answered. Raises ValueError if the scheme has
        weights and they are not those of exactly these items.
        """
        if not self.item_weights:
            return None
        if sorted(items) != sorted(self.item_weights):
            wrong = ", ".join(sorted(set(items) ^ set(self.item_weights))) or "an item twice"
            raise ValueError(f"scheme {self.id}: the item weights do not fit the questionnaire: {wrong}")
        weights = tuple(self.item_weights[item] for item in items)
        return None if len(set(weights)) == 1 else weights

    def band(self, score: float) -> str | None:
        """Return the code of the band of a score in points, None below the lowest floor."""
        return next((band.code for band in self.bands if score >= band.floor - _EDGE), None)

    def edge_distance(self, score: float) -> float | None:
        """Return how far (points) the score is from the nearest edge between two bands, None with one band."""
        edges = [band.floor for band in self.bands[:-1]]
        return min((abs(score - edge) for edge in edges), default=None)

    def crosses_edge(self, low: float, high: float) -> bool:
        """Tell whether an interval in points reaches into more than one band."""
        return self.band(low) != self.band(high)

    def without_floors(self) -> "Scheme":
        """Return the same scheme for somebody else's data: nothing is withheld.

        `floors.classes` stays: it is no secrecy floor but what the clustered interval needs to be valid.
        """
        off = Floors(ballots=0, response=0.0, item=0, classes=self.floors.classes, verdict_ballots=0, verdict_classes=0)
        return replace(self, floors=off)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types; `from_json` reads them back."""
        return {
            "id": self.id,
            "version": self.version,
            "points": {str(level): self.points[level] for level in reversed(self.levels)},
            "satisfied": list(self.satisfied),
            "bands": [{"code": band.code, "floor": band.floor} for band in self.bands],
            "margin": self.margin,
            "threshold": self.threshold,
            "careless_run": self.careless_run,
            "floors": dict(vars(self.floors)),
            "item_weights": dict(self.item_weights),
            "dimension_weights": dict(self.dimension_weights),
            "audience_weights": dict(self.audience_weights),
            "denominator": self.denominator,
            "definition": self.definition,
            "rounding": dict(vars(self.rounding)),
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Scheme":
        """Build a scheme from `to_json` or a scheme file; raises KeyError or ValueError on a bad record."""
        optional = {key: float(record[key]) for key in ("margin", "threshold") if key in record}
        scheme = cls(
            id=record["id"],
            version=record["version"],
            points={int(level): float(points) for level, points in record["points"].items()},
            satisfied=tuple(record["satisfied"]),
            bands=tuple(Band(code=band["code"], floor=float(band["floor"])) for band in record["bands"]),
            floors=Floors(**record.get("floors", {})),
            careless_run=record.get("careless_run", 6),
            denominator=record.get("denominator", ANSWERED_LEVELS),
            rounding=Rounding(**record.get("rounding", {})),
            item_weights=_numbers(record, "item_weights"),
            dimension_weights=_numbers(record, "dimension_weights"),
            audience_weights=_numbers(record, "audience_weights"),
            **optional,
        )
        if record.get("definition", scheme.definition) != scheme.definition:
            raise ValueError(f"scheme {scheme.id}: the satisfied levels are {scheme.definition}")
        return scheme


def _numbers(record: Mapping[str, Any], key: str) -> dict[str, float]:
    return {code: float(weight) for code, weight in record.get(key, {}).items()}


def _check_weights(scheme_id: str, kind: str, weights: Mapping[str, float]) -> None:
    if not weights:
        return
    if not all(weight > 0 for weight in weights.values()):
        raise ValueError(f"scheme {scheme_id}: every {kind} weight must be above 0")
    total = fsum(weights.values())
    if abs(total - WHOLE) > _SUM_TOLERANCE:
        raise ValueError(f"scheme {scheme_id}: the {kind} weights must sum to 100, not {total:.6g}")


FOUR_BANDS = (
    Band(code="excellent", floor=90.0),
    Band(code="good", floor=80.0),
    Band(code="pass", floor=60.0),
    Band(code="fail", floor=0.0),
)

_KEYS = {one.name for one in fields(Scheme)} | {"definition"}


def ready_schemes() -> tuple[Scheme, ...]:
    """Read all schemes that come with the product, in the order of their ids."""
    names = sorted(file.name for file in _ready_folder().iterdir() if file.name.endswith(".toml"))
    return tuple(load_scheme(name.removesuffix(".toml")) for name in names)


def load_scheme(scheme_id: str) -> Scheme:
    """Read a ready scheme from the data files; raises ValueError for an unknown id."""
    file = _ready_folder() / f"{scheme_id}.toml"
    if not _SCHEME_ID.fullmatch(scheme_id) or not file.is_file():
        raise ValueError(f"unknown scheme: {scheme_id}")
    return parse_scheme(file.read_text(encoding="utf-8"), name=scheme_id)


def parse_scheme(text: str, *, name: str) -> Scheme:
    """Read a scheme file; raises ValueError with one sentence for whatever is wrong in it."""
    try:
        record = tomllib.loads(text)
        unknown = sorted(set(record) - _KEYS)
        if unknown:
            raise ValueError(f"there is no field {', '.join(unknown)}")
        if record["id"] != name:
            raise ValueError(f"its id is {record['id']!r}; the file must be named after it")
        return Scheme.from_json(record)
    except KeyError as error:
        raise ValueError(f"scheme file {name}: the field {error} is missing") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"scheme file {name}: {error}") from error


def _ready_folder() -> Traversable:
    return resources.files("survey").joinpath("data", "schemes")


def linear_scheme(low: int, high: int) -> Scheme:
    """Return the scheme of levels low..high: low is 0 points, high is 100, the two top levels are satisfied.

    Level 0 is always 不了解, so low = 0 leaves the points of the others as they are and drops the level itself.
    Raises ValueError unless 0 <= low < high <= 254.
    """
    if not 0 <= low < high < BLANK:
        raise ValueError(f"levels must be LOW-HIGH within 0-{BLANK - 1}, not {low}-{high}")
    levels = range(max(low, 1), high + 1)
    return Scheme(
        id=f"linear_{low}_{high}",
        version=1,
        points={level: 100.0 * (level - low) / (high - low) for level in levels},
        satisfied=tuple(sorted(levels, reverse=True)[:2]),
        bands=FOUR_BANDS,
    )
