"""Write scale_ballots.csv: invented ballots of 11 items about 42 targets in 6 units, with blanks and 不了解.

Run from this folder: python make_scale_ballots.py
"""

import csv
from pathlib import Path

import numpy as np

ITEMS = 11


def main() -> None:
    """Draw one common factor with unequal loadings; the last items are the noisier ones."""
    chance = np.random.default_rng(20261121)
    loading = np.linspace(0.9, 0.3, ITEMS)
    with Path("scale_ballots.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["target", "unit", "class", *(f"q{place:02}" for place in range(1, ITEMS + 1))])
        for target in range(42):
            effect = chance.normal(0, 0.4) + 0.3 * (target % 6 == 0)
            for place in range(int(chance.integers(2, 30))):
                person = effect + chance.normal()
                raw = 3.4 + loading * person + chance.normal(0, 0.8, ITEMS)
                levels = np.clip(np.rint(raw), 1, 5).astype(int).astype(str)
                spoilt = chance.random(ITEMS)
                levels = np.where(spoilt < 0.01, "", np.where(spoilt > 0.99, "0", levels))
                out.writerow([f"t{target:02}", f"u{target % 6}", f"t{target:02}-{place % 6}", *levels])


if __name__ == "__main__":
    main()
