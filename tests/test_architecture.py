"""The house stays true: imports go down only, leaves stay leaves, web processes load no statistics library."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "survey"
# What each layer may import of the house; a layer may always import itself.
ALLOWED = {
    "analysis": {"errors"},
    "errors": set(),
    "instruments": {"errors"},
    "config": {"errors"},
    "extensions": set(),
    "keys": {"config", "errors"},
    "database": {"extensions", "errors"},
    "models": {"extensions", "errors"},
    "queries": {"models", "extensions", "errors", "database", "config", "keys", "analysis", "instruments"},
    "services": {
        "queries",
        "models",
        "extensions",
        "errors",
        "database",
        "config",
        "keys",
        "analysis",
        "instruments",
        "access",
    },
    "access": {"queries", "models", "extensions", "errors"},
    "forms": {"errors", "extensions"},
    "views": {"forms", "services", "queries", "access", "extensions", "errors", "config", "analysis", "instruments"},
    "worker": {"services", "database", "extensions", "errors", "config"},
    "serve": {"errors"},
    "cli": {"services", "queries", "config", "errors", "serve", "worker"},
}
TOP = ("create_app", "__version__")
HEAVY = ("scipy", "plotly", "pandas", "statsmodels", "docxtpl", "lxml")
BANNED_NAMES = ("utils", "helpers", "common", "manager", "misc")


def sources() -> Iterator[Path]:
    return (path for path in PACKAGE.rglob("*.py") if "migrations" not in path.parts)


def layer(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", sorted(sources()), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down_only(path: Path) -> None:
    own = layer(path)
    if own == "__init__":
        return
    for name in imported(path):
        if name.startswith("survey."):
            target = name.split(".")[1]
            assert target == own or target in ALLOWED[own] or target in TOP, f"{path.name} imports {name}"


@pytest.mark.parametrize("path", sorted((PACKAGE / "analysis").glob("*.py")), ids=lambda path: path.name)
def test_analysis_knows_neither_flask_nor_the_database(path: Path) -> None:
    assert not [name for name in imported(path) if name.split(".")[0] in ("flask", "sqlalchemy", "flask_babel")]


@pytest.mark.parametrize("path", sorted((PACKAGE / "views").glob("*.py")), ids=lambda path: path.name)
def test_views_touch_neither_models_nor_the_session(path: Path) -> None:
    assert not [name for name in imported(path) if name.startswith("survey.models")]
    assert "db.session" not in path.read_text(encoding="utf-8")


def test_no_file_hides_behind_a_vague_name() -> None:
    assert not [path for path in sources() if path.stem in BANNED_NAMES]


def test_a_web_process_loads_no_statistics_library() -> None:
    code = (
        "import sys, survey.views, importlib\n"
        "[importlib.import_module(f'survey.views.{name}') for name in survey.views.MODULES]\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
