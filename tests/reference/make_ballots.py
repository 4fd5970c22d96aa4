"""Write ballots.csv and pages.csv: invented ratings with ties, blanks, 不了解, tiny classes and a straight-liner.

Run from this folder: python make_ballots.py && Rscript reference.R
"""

import csv
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
ITEMS = 4
BLANK, NO_OPINION = 255, 0


def ballots() -> None:
    rng = np.random.default_rng(20240917)
    rows = []
    for target in range(30):
        unit = target % 5
        level = rng.normal(3.6 + 0.25 * (unit == 0), 0.4)
        for room in rng.choice(12, size=int(rng.integers(1, 9)), replace=False):
            heads = 6 + 3 * int(room)
            cast = int(rng.integers(1, heads + 1)) if target != 7 else 1
            for _ in range(cast):
                rows.append([f"t{target:02d}", f"u{unit}", f"c{room:02d}", heads, *_answers(rng, level)])
    _write("ballots.csv", ["target", "unit", "class", "heads", *(f"q{i}" for i in range(ITEMS))], rows)


def pages() -> None:
    rng = np.random.default_rng(7)
    rows = []
    for page in range(24):
        for department in range(6):
            answers = _answers(rng, 3.0 + 0.3 * department)
            if page == 3 and department == 2:
                answers = [NO_OPINION] * ITEMS
            rows.append([page, f"d{department}", *answers])
    _write("pages.csv", ["page", "department", *(f"q{i}" for i in range(ITEMS))], rows)


def _answers(rng: np.random.Generator, level: float) -> list[int]:
    answers = np.clip(np.round(rng.normal(level, 1.0, size=ITEMS)), 1, 5).astype(int)
    answers[rng.random(ITEMS) < 0.05] = NO_OPINION
    answers[rng.random(ITEMS) < 0.03] = BLANK
    return answers.tolist()


def _write(name: str, head: list[str], rows: list[list[object]]) -> None:
    with (HERE / name).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([head, *rows])


if __name__ == "__main__":
    ballots()
    pages()
