"""A table of a data file, read field by field, with errors that say where the fault stands."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

WORD = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, kw_only=True)
class SourceTable:
    """The fields of one table and the words (`where`) that open every error about it.

    Every method raises ValueError with one sentence if the field is missing or of another kind.
    """

    where: str
    values: Mapping[str, object]

    @classmethod
    def of(cls, value: object, *, where: str) -> Self:
        """Take a value that must be a table."""
        if not isinstance(value, Mapping):
            raise ValueError(f"{where}: a table is expected here")
        return cls(where=where, values=value)

    def only(self, *keys: str) -> None:
        """Refuse fields nobody reads: a mistyped one would otherwise be lost in silence."""
        for key in self.values:
            if key not in keys:
                raise ValueError(f"{self.where}: {key!r} is not a known field")

    def string(self, key: str) -> str:
        """Return a text that is not empty."""
        value = self.values.get(key)
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"{self.where}: {key!r} must be a text that is not empty")
        return value

    def word(self, key: str, pattern: re.Pattern[str] = WORD) -> str:
        """Return a code that matches the pattern as a whole."""
        value = self.string(key)
        if not pattern.fullmatch(value):
            raise ValueError(f"{self.where}: {key!r} is {value!r} and must match ^{pattern.pattern}$")
        return value

    def choice(self, key: str, allowed: tuple[str, ...]) -> str:
        """Return one of the allowed texts."""
        value = self.values.get(key)
        if not isinstance(value, str) or value not in allowed:
            raise ValueError(f"{self.where}: {key!r} is {value!r} and must be one of {', '.join(map(repr, allowed))}")
        return value

    def whole(self, key: str, *, least: int) -> int:
        """Return a whole number that is not below `least`."""
        value = self.values.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise ValueError(f"{self.where}: {key!r} must be a whole number of at least {least}")
        return value

    def flag(self, key: str) -> bool:
        """Return true or false; false if the field is missing."""
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            raise ValueError(f"{self.where}: {key!r} must be true or false")
        return value

    def table(self, key: str) -> Self:
        """Return the table inside a field."""
        return self.of(self.values.get(key), where=f"{self.where}, {key}")

    def rows(self, key: str, *, name: str = "code") -> Iterator[Self]:
        """Yield the tables of a list, none if the field is missing; no two may have the same `name` field."""
        rows = self.values.get(key, [])
        if not isinstance(rows, list | tuple):
            raise ValueError(f"{self.where}: {key!r} must be a list of tables")
        seen: set[object] = set()
        for position, value in enumerate(rows, start=1):
            row = self.of(value, where=f"{self.where}, {key} {position}")
            code = row.values.get(name)
            if not isinstance(code, str | int):
                raise ValueError(f"{row.where}: {name!r} is missing")
            if code in seen:
                raise ValueError(f"{self.where}, {key} {code}: the {name} {code!r} is used twice")
            seen.add(code)
            yield self.of(value, where=f"{self.where}, {key} {code}")
