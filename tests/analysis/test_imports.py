"""The statistics load SciPy only when they compute."""

import subprocess
import sys
from pathlib import Path

import survey.analysis

MODULES = sorted(path.stem for path in Path(survey.analysis.__file__).parent.glob("*.py") if path.stem != "charts")


def test_importing_the_statistics_loads_no_scipy():
    lines = [f"import survey.analysis.{name}" for name in MODULES if name != "__init__"]
    code = "; ".join(["import sys", *lines, "print(any(name.split('.')[0] == 'scipy' for name in sys.modules))"])
    root = Path(survey.analysis.__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
