"""How well an attack does: right guesses and rank correlation over many runs, against what chance alone would give."""

import math
import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Order = Sequence[int]


def order_by(places: Mapping[int, object], voters: Sequence[int], chance: random.Random) -> list[int]:
    """Return the voters in the order of the places at which an attacker found them; ties and the unfound at random."""
    shuffled = chance.sample(voters, len(voters))
    found = sorted((voter for voter in shuffled if voter in places), key=lambda voter: places[voter])  # type: ignore[arg-type,return-value]
    guess = iter(found)
    keep = set(chance.sample(range(len(voters)), len(found)))
    rest = iter([voter for voter in shuffled if voter not in places])
    return [next(guess) if place in keep else next(rest) for place in range(len(voters))]


@dataclass
class Score:
    """One attack over all its runs. A random permutation has one right place on average, variance 1, and a rank
    correlation of mean 0 and variance 1 / (n - 1) (Hotelling & Pabst 1936).
    """

    runs: int = 0
    hits: int = 0
    places: int = 0
    correlations: float = 0.0
    variance: float = 0.0

    def add(self, truth: Order, guess: Order) -> None:
        """Count one run: the guess is that place k of both orders is the same voter."""
        n = len(truth)
        self.runs += 1
        self.places += n
        self.hits += sum(a == b for a, b in zip(truth, guess, strict=True))
        place = {voter: k for k, voter in enumerate(guess)}
        squares = sum((k - place[voter]) ** 2 for k, voter in enumerate(truth))
        self.correlations += 1 - 6 * squares / (n * (n * n - 1))
        self.variance += 1 / (n - 1)

    @property
    def rate(self) -> float:
        """The share of voters whose ballot was named."""
        return self.hits / self.places

    @property
    def chance(self) -> float:
        """The share that guessing names: one in a batch, or in a group."""
        return self.runs / self.places

    @property
    def is_above_chance(self) -> bool:
        """More right guesses, or more order (forwards or backwards), than chance + 3 standard deviations."""
        return self.hits > self.runs + 3 * math.sqrt(self.runs) or abs(self.correlations) > 3 * math.sqrt(self.variance)

    def __str__(self) -> str:
        mean = self.correlations / self.runs
        return f"{self.rate:.3f} (chance {self.chance:.3f}, runs {self.runs}, mean rank correlation {mean:+.3f})"


Scores = dict[str, Score]


def pool(run: Callable[[Scores], None], runs: int) -> Scores:
    """Add up `runs` runs by the name of the attack."""
    scores: Scores = defaultdict(Score)
    for _number in range(runs):
        run(scores)
    return scores


def leaks(run: Callable[[Scores], None], *, runs: int, watched: Callable[[str], bool]) -> tuple[Scores, dict[str, str]]:
    """Return the scores, and which attacks that are `watched` do better than chance in two pools of runs.

    One pool alone would call luck a leak once in a few test runs, for there are many attacks; a leak comes back.
    """
    scores = pool(run, runs)
    suspects = {name for name, score in scores.items() if watched(name) and score.is_above_chance}
    if not suspects:
        return scores, {}
    again = pool(run, runs)
    return scores, {name: f"{scores[name]}; again {again[name]}" for name in suspects if again[name].is_above_chance}
