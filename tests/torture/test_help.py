"""The smallest job there is."""
import functools

import torture


def test_help_survives_failing_allocations(aisle, tmp_path):
    torture.walk(functools.partial(aisle, "--help", expect=None), tmp_path)
