"""Schemes (计分办法): how levels become points, bands and verdicts, and which floors hold."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from typing import Any

BLANK = 255
"""The byte of an item that was not asked or not answered; 0 is 不了解 (no opinion), 1..254 are levels."""

NO_OPINION = 0
_SCHEME_ID = re.compile(r"[a-z0-9_]+")
# Scores are sums of binary fractions: an exact 90 may come out as 89.999999999.
_EDGE = 1e-9


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
    response: float = 0.5
    item: int = 20
    classes: int = 5
    verdict_ballots: int = 20
    verdict_classes: int = 2


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """A frozen scheme: level -> points in 0..100, satisfied levels, bands from best to worst, floors.

    margin: points that a difference must exceed to be flagged. threshold: points, for the verdict.
    careless_run: answered items from which a ballot of equal answers is flagged. Raises ValueError if unusable.
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

    def __post_init__(self) -> None:
        if not self.points or not all(0 < level < BLANK for level in self.points):
            raise ValueError(f"scheme {self.id}: levels must lie in 1..{BLANK - 1}")
        if not set(self.satisfied) <= set(self.points):
            raise ValueError(f"scheme {self.id}: a satisfied level has no points")
        if [band.floor for band in self.bands] != sorted((band.floor for band in self.bands), reverse=True):
            raise ValueError(f"scheme {self.id}: bands must go from best to worst")

    @property
    def levels(self) -> tuple[int, ...]:
        """The levels, ascending."""
        return tuple(sorted(self.points))

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
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Scheme":
        """Build a scheme from `to_json` or a scheme file; raises KeyError or ValueError on a bad record."""
        optional = {key: float(record[key]) for key in ("margin", "threshold") if key in record}
        return cls(
            id=record["id"],
            version=record["version"],
            points={int(level): float(points) for level, points in record["points"].items()},
            satisfied=tuple(record["satisfied"]),
            bands=tuple(Band(code=band["code"], floor=float(band["floor"])) for band in record["bands"]),
            floors=Floors(**record.get("floors", {})),
            careless_run=record.get("careless_run", 6),
            **optional,
        )


FOUR_BANDS = (
    Band(code="excellent", floor=90.0),
    Band(code="good", floor=80.0),
    Band(code="pass", floor=60.0),
    Band(code="fail", floor=0.0),
)


def load_scheme(scheme_id: str) -> Scheme:
    """Read a ready scheme from the data files; raises ValueError for an unknown id."""
    file = resources.files("survey").joinpath("data", "schemes", f"{scheme_id}.toml")
    if not _SCHEME_ID.fullmatch(scheme_id) or not file.is_file():
        raise ValueError(f"unknown scheme: {scheme_id}")
    return Scheme.from_json(tomllib.loads(file.read_text(encoding="utf-8")))


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
