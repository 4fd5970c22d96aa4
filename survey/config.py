"""One typed object for the settings: `SURVEY_*` variables over `instance/config.toml` over the defaults."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from survey.errors import N_, BadInput


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of one instance.

    instance: folder of database, secrets and files. database_url: SQLAlchemy address, empty for SQLite in the instance
    folder. public_base_url: the address printed in QR codes. bureau: who asks, in the head of every page.
    hotline: where respondents complain. officer, place, keep_years: in the notices, who answers for personal
    information, where ballots are kept, and for how many years after the close (0: as the rules for files ask).
    language: of the interface. proxy_hops: trusted proxies in front.
    mix_seconds: at most one mix in this time. login_profile: djcp or asvs (`services.passwords`). second_factor: of
    the bureau's accounts, optional or required.
    """

    instance: Path
    database_url: str = ""
    public_base_url: str = "http://127.0.0.1:8000"
    bureau: str = "县教育局"
    hotline: str = ""
    officer: str = ""
    place: str = ""
    keep_years: int = 0
    language: str = "zh_Hans_CN"
    proxy_hops: int = 0
    mix_seconds: int = 60
    login_profile: Literal["djcp", "asvs"] = "asvs"
    second_factor: Literal["optional", "required"] = "optional"

    @property
    def sqlalchemy_url(self) -> str:
        """The database address with the driver that the product uses."""
        if not self.database_url:
            return f"sqlite:///{self.instance.resolve() / 'wuping.sqlite3'}"
        scheme, _, rest = self.database_url.partition("://")
        return f"postgresql+psycopg://{rest}" if scheme in {"postgres", "postgresql"} else self.database_url

    @property
    def https(self) -> bool:
        """Whether respondents arrive by https: cookies are then `Secure`."""
        return self.public_base_url.lower().startswith("https://")


def load_config(environ: Mapping[str, str] | None = None) -> Config:
    """Read the settings; raise BadInput naming the setting that is unknown or has a wrong value."""
    environ = os.environ if environ is None else environ
    instance = Path(environ.get("SURVEY_INSTANCE", "instance"))
    config = replace(Config(instance=instance), **_from_file(instance / "config.toml"))
    return _checked(replace(config, **_from_environment(environ)))


def _from_file(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(N_("%(file)s: not valid TOML (%(why)s)."), file=path, why=error) from error
    return {name: _typed(name, value, where=str(path)) for name, value in values.items()}


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    names = {f.name for f in fields(Config)} - {"instance"}
    return {
        name: _typed(name, environ[variable], where=variable)
        for name in names
        if (variable := f"SURVEY_{name.upper()}") in environ
    }


def _typed(name: str, value: object, *, where: str) -> object:
    known = {f.name: f.type for f in fields(Config)}
    if name not in known or name == "instance":
        raise BadInput(N_("%(where)s: there is no setting %(name)s."), where=where, name=name)
    if known[name] is not int:
        return str(value)
    try:
        return int(str(value))
    except ValueError as error:
        raise BadInput(N_("%(where)s: a whole number is needed, not %(value)s."), where=where, value=value) from error


def _checked(config: Config) -> Config:
    parts = urlsplit(config.public_base_url)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.query or parts.fragment:
        raise BadInput(N_("public_base_url must be like https://host, not %(value)s."), value=config.public_base_url)
    if config.database_url and config.database_url.partition(":")[0].partition("+")[0] not in {
        "sqlite",
        "postgres",
        "postgresql",
    }:
        raise BadInput(N_("database_url must be a sqlite:// or postgresql:// address."))
    for field in fields(Config):
        values = get_args(field.type)
        if values and getattr(config, field.name) not in values:
            known = ", ".join(values)
            raise BadInput(N_("%(name)s must be one of: %(known)s."), name=field.name, known=known)
    return replace(config, public_base_url=config.public_base_url.rstrip("/"))
