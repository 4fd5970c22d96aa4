"""Reading SQLite's files as an attacker would: b-tree cells where they lie, free pages, frames of the log.

The layout is that of SQLite's "Database File Format" page.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_INTERIOR = {2, 5}
_LEAF = {10, 13}


@dataclass(frozen=True, kw_only=True)
class Files:
    """The files of one database at one moment."""

    main: bytes
    log: bytes
    other: bytes

    @classmethod
    def copy(cls, path: Path) -> "Files":
        """Read the database file, its log, and whatever else lies in the folder."""
        log = path.with_name(path.name + "-wal")
        other = [p.read_bytes() for p in sorted(path.parent.rglob("*")) if p.is_file() and p not in (path, log)]
        return cls(main=path.read_bytes(), log=log.read_bytes() if log.exists() else b"", other=b"".join(other))

    @property
    def page_size(self) -> int:
        size = int.from_bytes(self.main[16:18])
        return 65536 if size == 1 else size

    def page(self, number: int) -> bytes:
        return self.main[(number - 1) * self.page_size : number * self.page_size]

    def cells(self, root: int) -> Iterator[tuple[int, int, int, bytes]]:
        """Yield page number, place in the pointer array, offset and bytes of every leaf cell, in key order."""
        page, head = self.page(root), 100 if root == 1 else 0
        kind, count = page[head], int.from_bytes(page[head + 3 : head + 5])
        start = head + (12 if kind in _INTERIOR else 8)
        offsets = [int.from_bytes(page[start + 2 * k : start + 2 * k + 2]) for k in range(count)]
        ends = dict(zip(sorted(offsets), [*sorted(offsets)[1:], self.page_size], strict=False))
        for place, offset in enumerate(offsets):
            if kind in _INTERIOR:
                yield from self.cells(int.from_bytes(page[offset : offset + 4]))
            # An inner page of a table without rowids holds rows as well.
            if kind in _LEAF or kind == 2:
                yield root, place, offset, page[offset : ends[offset]]
        if kind in _INTERIOR:
            yield from self.cells(int.from_bytes(page[head + 8 : head + 12]))

    def free_pages(self) -> bytes:
        """Return the bytes of all free pages."""
        trunk, found = int.from_bytes(self.main[32:36]), []
        while trunk:
            page = self.page(trunk)
            leaves = int.from_bytes(page[4:8])
            found.append(page[8 + 4 * leaves :])
            found += [self.page(int.from_bytes(page[8 + 4 * k : 12 + 4 * k])) for k in range(leaves)]
            trunk = int.from_bytes(page[:4])
        return b"".join(found)

    def frames(self) -> Iterator[tuple[int, bytes]]:
        """Yield the page number and the bytes of each frame of the log, valid or left over, in the order written."""
        step = 24 + self.page_size
        for start in range(32, len(self.log) - step + 1, step):
            yield int.from_bytes(self.log[start : start + 4]), self.log[start + 24 : start + step]


Places = dict[int, tuple[int, ...]]


def traces(files: Files, root: int, marks: Mapping[int, bytes]) -> dict[str, Places]:
    """Return, by the name of the trace, where each voter's row (known by its bytes) was found.

    root: the first page of the table's b-tree. What a trace does not show is left out.
    """
    cells = [(cell, voter) for cell in files.cells(root) for voter, mark in marks.items() if mark in cell[3]]
    frames: Places = {}
    for number, (_page, body) in enumerate(files.frames()):
        for voter, mark in marks.items():
            if voter not in frames and mark in body:
                frames[voter] = (number, -body.find(mark))
    return {
        "cell pointers": {voter: (page, place) for (page, place, _offset, _body), voter in cells},
        "cell offsets": {voter: (page, -offset) for (page, _place, offset, _body), voter in cells},
        "first bytes": _bytes(files.main, marks, first=True),
        "last bytes": _bytes(files.main, marks, first=False),
        "log frames": frames,
        "free pages": _bytes(files.free_pages(), marks, first=True),
        "other files": _bytes(files.other, marks, first=True),
    }


def _bytes(content: bytes, marks: Mapping[int, bytes], *, first: bool) -> Places:
    found = {voter: content.find(mark) if first else content.rfind(mark) for voter, mark in marks.items()}
    return {voter: (place,) for voter, place in found.items() if place >= 0}
