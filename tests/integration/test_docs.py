"""The pages hold: what they tell to type works, and prints what they show.

In a page, in this order and all in one empty folder that has `pipelines/` and `build/aisle` as the tree has:

    ```sh            is run by one bash with `set -e`, block after block
    ```text          right after it shows lines that the block must have printed, in this order; runs and times may
                     differ, a line `…` stands for others, and ` …` at the end of a line for the rest of it
    ```json a/b.json is written to that file (any first word)

Other blocks are for readers.
"""
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent.parent
PROGRAM = Path(os.environ.get("AISLE", TOP / "build/aisle")).resolve()
PAGES = sorted(path.relative_to(TOP) for path in [TOP / "README.md", *(TOP / "docs").glob("*.md")])
BLOCK = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = "--- block {} ---"


def blocks_of(page):
    return [(info.split(), text) for info, text in BLOCK.findall((TOP / page).read_text())]


def folder_of(page, folder):
    """The page's files, and the tree's programs and pipelines where the page expects them."""
    (folder / "build").mkdir()
    (folder / "build/aisle").symlink_to(PROGRAM)
    (folder / "pipelines").symlink_to(TOP / "pipelines")
    for info, text in blocks_of(page):
        if len(info) == 2:
            path = folder / info[1]
            assert path.resolve().is_relative_to(folder.resolve()), f"{page} names {info[1]}, which is elsewhere"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


def plain(line):
    """A line without what is never the same twice."""
    line = re.sub(r"\b[0-9A-HJKMNP-TV-Z]{26}\b", "RUN", line)
    return re.sub(r"\b[0-9.]+ (s|ms|min)\b", "TIME", line).rstrip()


def is_shown(line, shown):
    return line.startswith(shown[:-1]) if shown.endswith(" …") else line == shown


def run_blocks(page, folder):
    """What each block of commands printed, by its place in the page."""
    script = ["set -e"]
    for number, (info, text) in enumerate(blocks_of(page)):
        if info == ["sh"]:
            script += [f"echo '{MARK.format(number)}'", text]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AISLE_", "AWS_"))}
    environment = inherited | {"PATH": f"{folder / 'build'}:{Path(sys.executable).parent}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(["bash", "-c", "\n".join(script)], cwd=folder, stdin=subprocess.DEVNULL, timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    assert done.returncode == 0, f"a command of {page} ended with {done.returncode}:\n{done.stdout}"
    parts = re.split("^" + MARK.format(r"(\d+)") + "\n", done.stdout, flags=re.MULTILINE)
    return {int(number): output for number, output in zip(parts[1::2], parts[2::2])}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_what_a_page_tells_to_type_prints_what_it_shows(tmp_path, page):
    folder_of(page, tmp_path)
    printed = run_blocks(page, tmp_path)
    for number, (info, text) in enumerate(blocks_of(page)):
        if info != ["text"] or number - 1 not in printed:
            continue
        lines = iter([plain(line) for line in printed[number - 1].splitlines()])
        for shown in map(plain, text.splitlines()):
            assert shown == "…" or any(is_shown(line, shown) for line in lines), \
                f"{page} shows this line, but it does not come (there):\n{shown}\nof what is printed:\n" \
                f"{printed[number - 1]}"


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_what_a_page_names_is_there(page):
    text = (TOP / page).read_text()
    targets = set(re.findall(r"^([a-z-]+):", (TOP / "Makefile").read_text(), re.MULTILINE))
    for target in re.findall(r"(?:^|[`& ])make ([a-z-]+)(?=[`\n])", text, re.MULTILINE):
        assert target in targets, f"{page}: make {target}"
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert ((TOP / page).parent / link).exists(), f"{page}: the link {link}"
    for path in re.findall(r"`((?:src|tests|tools|bench|docs|include|pipelines)/[\w./-]*)`", text):
        assert (TOP / path).exists(), f"{page}: the path {path}"
    heads = re.findall(r"^#+ (.*)$", re.sub(BLOCK, "", text), re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}
    for anchor in re.findall(r"\]\(#([^)]*)\)", text):
        assert anchor in anchors, f"{page}: the anchor #{anchor}"
