"""What every Python test has: the program under test, as a function."""
import os
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent
PROGRAM = Path(os.environ.get("AISLE", TOP / "build/aisle")).resolve()


@pytest.fixture
def aisle(tmp_path):
    """aisle("run", "orders", …) in the test's own folder. `expect` is the exit status that it must end with, None for
    any; further keywords are environment variables."""

    def run(*arguments, expect=0, stdin="", timeout_s=120, **environment):
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AISLE_")}
        inherited["AISLE_PIPELINES"] = str(TOP / "pipelines")
        done = subprocess.run([PROGRAM, *map(str, arguments)], input=stdin, capture_output=True, text=True,
                              errors="surrogateescape", cwd=tmp_path, timeout=timeout_s, env=inherited | environment)
        assert expect is None or done.returncode == expect, (
            f"aisle {' '.join(map(str, arguments))} ended with {done.returncode}, not {expect}\n"
            f"{done.stdout}\n{done.stderr}")
        return done

    return run
