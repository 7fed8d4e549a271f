"""What holds for the command line as a whole."""
import re


def test_version(aisle):
    assert re.fullmatch(r"aisle \d+\.\d+\.\d+\n", aisle("--version").stdout)


def test_help_goes_to_standard_output(aisle):
    done = aisle("--help")
    assert "aisle" in done.stdout
    assert done.stderr == ""


def test_an_unknown_command_is_wrong_usage(aisle):
    done = aisle("no-such-command", expect=2)
    assert done.stdout == ""
    assert "no-such-command" in done.stderr or "--help" in done.stderr
