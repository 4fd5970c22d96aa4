"""Sixteen parallel voters on one class (goal 3): nothing lost, nothing twice, and how much slower than spread out."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.load import Block, Contestant, Spread, take_turns

VOTERS = 16


@dataclass(frozen=True, kw_only=True)
class HotGroup:
    """Blocks of sixteen voters on one class and over all classes."""

    hot: Sequence[Block]
    spread: Sequence[Block]

    @property
    def failures(self) -> list[str]:
        """What went wrong on either side."""
        return [failure for block in (*self.hot, *self.spread) for failure in block.failures]

    @property
    def double(self) -> int:
        """Journeys of the hot class whose receipt another journey was given before."""
        receipts = [receipt for block in self.hot for receipt in block.receipts]
        return len(receipts) - len(set(receipts))

    @property
    def share(self) -> float:
        """Throughput on the one class over throughput spread out."""
        return Spread.of(b.rate for b in self.hot).median / Spread.of(b.rate for b in self.spread).median


def run_hot_group(hot: Contestant, spread: Contestant, *, rounds: int, journeys: int) -> HotGroup:
    """Let both take turns under sixteen clients."""
    blocks = take_turns([hot, spread], rounds=rounds, journeys=journeys, clients=VOTERS)
    return HotGroup(hot=blocks[hot.name], spread=blocks[spread.name])
