"""The shape of the command line: help, suggestions, exit statuses, colour, completion, the manual page."""
import os
import pty
import re
import shutil
import subprocess

import pytest

from conftest import PROGRAM, TOP

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("AISLE_")}


def command_names(aisle):
    listed = aisle("help").stdout.split("Commands\n")[1].split("\n\n")[0]
    return [line.split()[0] for line in listed.splitlines()]


def on_terminal(*arguments, **environment):
    """What the program writes to a terminal of 80 columns, both streams together."""
    control, own = pty.openpty()
    done = subprocess.Popen([PROGRAM, *arguments], stdin=own, stdout=own, stderr=own,
                            env=ENVIRONMENT | {"TERM": "xterm", "COLUMNS": "80"} | environment)
    os.close(own)
    seen = b""
    while True:
        try:
            part = os.read(control, 65536)
        except OSError:
            break
        if not part:
            break
        seen += part
    os.close(control)
    done.wait(timeout=60)
    return seen.decode()


def test_without_arguments_it_helps(aisle):
    done = aisle()
    assert done.stdout == aisle("help").stdout == aisle("--help").stdout == aisle("-h").stdout
    assert "Usage: aisle COMMAND" in done.stdout


def test_each_command_explains_itself(aisle):
    for name in command_names(aisle):
        by_command = aisle("help", name).stdout
        assert by_command.startswith(f"Usage: aisle {name}")
        assert aisle(name, "--help").stdout == aisle(name, "-h").stdout == by_command
        # Lines fit, but for examples, which stay in one piece to be copied.
        for line in by_command.split("\nExamples\n")[0].splitlines():
            assert len(line) <= 80, line


def test_a_mistyped_command_gets_a_suggestion(aisle):
    for typed, meant in {"hlep": "help", "versoin": "version", "completoin": "completion", "sampel": "sample"}.items():
        done = aisle(typed, expect=2)
        assert done.stdout == ""
        assert done.stderr == f"aisle: there is no command '{typed}'; did you mean 'aisle {meant}'?\n"
    assert "'aisle help' lists the commands" in aisle("zzzzzzzz", expect=2).stderr
    assert "did you mean 'aisle version'?" in aisle("help", "vresion", expect=2).stderr


def test_a_mistyped_option_gets_a_suggestion(aisle):
    done = aisle("help", "--mna", expect=2)
    assert done.stderr == "aisle: 'aisle help' has no option '--mna'; did you mean '--man'?\n"
    assert "must be bash, zsh or fish, is 'bsah' (did you mean 'bash'?)" in aisle("completion", "bsah", expect=2).stderr


def test_output_that_does_not_arrive_is_a_failure():
    with open("/dev/full", "w") as full:
        done = subprocess.run([PROGRAM, "help"], stdout=full, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    assert done.returncode == 1
    assert "standard output" in done.stderr


def test_colour_only_on_a_terminal_that_wants_it(aisle):
    assert "\033" not in aisle("help").stdout
    assert "\033" not in aisle("nonsense", expect=2).stderr
    assert "\033[1m" in on_terminal("help")
    assert "\033[31m" in on_terminal("nonsense")
    assert "\033" not in on_terminal("help", NO_COLOR="1")
    assert "\033" not in on_terminal("help", TERM="dumb")
    assert "\033[1m" in on_terminal("help", NO_COLOR="")


def complete_in_bash(*words):
    """What bash offers for the last of `words`."""
    script = f"""
        source <({PROGRAM} completion bash)
        compopt() {{ :; }}
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _aisle
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True, env=ENVIRONMENT,
                          cwd=TOP, timeout=60)
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_completes_commands_options_and_values(aisle):
    names = command_names(aisle)
    assert complete_in_bash("aisle", "") == names
    assert complete_in_bash("aisle", "help", "") == names
    assert complete_in_bash("aisle", "comp") == ["completion"]
    assert complete_in_bash("aisle", "completion", "") == ["bash", "zsh", "fish"]
    assert complete_in_bash("aisle", "completion", "z") == ["zsh"]
    assert complete_in_bash("aisle", "completion", "zsh", "") == []
    assert complete_in_bash("aisle", "help", "--m") == ["--man"]
    assert complete_in_bash("aisle", "sample", "--family", "") == ["pieces", "quantity"]
    assert complete_in_bash("aisle", "sample", "--family", "=", "q") == ["quantity"]
    assert complete_in_bash("aisle", "sample", "--rows", "5", "sal") == ["sales"]
    assert complete_in_bash("aisle", "sample", "-n", "5", "--out", "meson.bui") == []
    assert complete_in_bash("aisle", "sample", "-n", "5", "--out", "src") == ["src"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_well_formed(aisle, tmp_path, shell):
    script = tmp_path / "completion"
    script.write_text(aisle("completion", shell).stdout)
    for name in command_names(aisle):
        assert re.search(rf"\b{name}\b", script.read_text())
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run([shell, "-n", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_manual_page_is_fresh(aisle):
    committed = (TOP / "docs/aisle.1").read_text()
    assert committed == aisle("help", "--man").stdout, "write it anew: build/aisle help --man > docs/aisle.1"


def test_the_manual_page_renders_without_warnings(aisle):
    if shutil.which("groff") is None:
        pytest.skip("groff is not installed")
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", TOP / "docs/aisle.1"], capture_output=True, text=True,
                          timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    shown = re.sub(r"\x1b\[[0-9;]*m|.\x08", "", done.stdout)
    for name in command_names(aisle):
        assert f"aisle {name}" in shown
