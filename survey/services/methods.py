"""What the method page (方法说明) keeps from the release: the worked example and the versions. Runs in jobs only."""

import platform
from collections.abc import Iterable
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from survey import __version__

if TYPE_CHECKING:
    from survey.services.release import Cube


def with_method(cubes: Iterable["Cube"]) -> list["Cube"]:
    """Return the cubes with the part `method` in their documents, computed under the scheme of each."""
    return [
        replace(cube, document={**cube.document, "method": method_record(cube.document["scheme"])}) for cube in cubes
    ]


def method_record(scheme: dict[str, Any]) -> dict[str, Any]:
    """Return the worked example under a stored scheme and the versions of what computed it."""
    from survey.analysis.scoring import Scheme
    from survey.analysis.worked_examples import worked_example

    return {"example": worked_example(Scheme.from_json(scheme)), "software": software_versions()}


def software_versions() -> dict[str, str]:
    """Return the versions of what computes the figures, by name."""
    return {
        "wuping": __version__,
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "scipy": version("scipy"),
    }
