"""The pages of docs/ as tests read them: what a page shows is typed again, and prints what stands there.

A fenced block without a language is a terminal: `$ ` begins a command, and what it prints stands below; a line `…`
stands for any number of lines. `sh` is a script. `text` is neither run nor compared, for what needs root, a supervisor
or another machine.
"""

import os
import pathlib
import re
import shlex
import subprocess
import typing

from signet import NEGATIVE, OK, PATIENCE, REPOSITORY, binary, environment

# Pages that describe the repository, bytes that vectors fix, or figures that Benchmarks/Scale prints; all others are
# pages of a concept.
REFERENCES = {"ARCHITECTURE.md", "behaviors.md", "cluster.md", "key-format.md", "scale.md", "token-format.md"}

# What differs from run to run, in this order.
VARIABLE = (
    (r"\b(lic|act)_[0-9A-HJKMNP-TV-Z]{13}\b", r"\1_ID"),
    (r'"(position|age_ms)":\d+', r'"\1":NUMBER'),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "INSTANT"),
    (r" +\d+ \d{4}-\d\d-\d\d \d\d:\d\d(?= )", " SIZE MINUTE"),
    (r"\d{4}-\d\d-\d\d", "DAY"),
    (r"\(uid:[^)]*\)", "(ACTOR)"),
    (r"\b(uid:[\w:/]+|ACTOR) +", "ACTOR  "),
    (r"…[0-9A-HJKMNP-TV-Z*~$=]{4}\b", "…LAST"),
    (r"\b[1-9]\d*:[0-9a-f]{4,}…?", "SEQUENCE:SEAL"),
    (r"\b[1-9]\d* (?=(customers|products|licenses|activations|journal|events)\b)", "NUMBER "),
    (r"(?m)^(Bytes|Schema)( +(?:version )?)[1-9]\d*$", r"\1\2NUMBER"),
    (r"(?m)( of \d+ +)[1-9]\d*$", r"\1NETWORKS"),
    (r"\bheld by process \d+", "held by process NUMBER"),
    (r"(?m)\bsigning-[\w-]{8}(?=,|$)", "signing-KEY"),
    (r"(?m)^[\w-]{8}(?=  (current|next|verifying|retired|revoked) )", "KEY_____"),
    (r"(?m)^(Root +)[\w-]{8}$", r"\1KEY_____"),
    (r'"(x|kid)":"[\w-]+"', r'"\1":"BYTES"'),
    (r'"[\w-]{8}"(?=[],])', '"KEY_____"'),
)


class Example(typing.NamedTuple):
    """One command of a page with the lines that the page shows below it; none where it shows none."""

    command: str
    shown: list


def concepts():
    """The names of the pages that explain a concept: all in the folder but REFERENCES."""
    return sorted(path.name for path in (REPOSITORY / "docs").glob("*.md") if path.name not in REFERENCES)


def text(page):
    return (REPOSITORY / "docs" / page).read_text()


def blocks(page):
    """Language and text of each fenced block."""
    return re.findall(r"^ *```(\w*)\n(.*?)^ *```$", text(page), re.MULTILINE | re.DOTALL)


def script(page):
    """The `sh` blocks of a page, in their order, as one script."""
    return "\n".join(block for language, block in blocks(page) if language == "sh")


def examples(page):
    """The commands of a page's terminals."""
    found = []
    for language, block in blocks(page):
        if language:
            continue
        if not block.startswith("$ "):
            raise AssertionError(f"docs/{page}: a terminal begins with no command: {block.splitlines()[0]}")
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append(Example(line[2:], []))
            elif not found[-1].shown and found[-1].command.endswith("\\"):
                found[-1] = Example(f"{found[-1].command}\n{line}", [])
            else:
                found[-1].shown.append(line)
    return found


def commands(page):
    """The arguments of each `$ signet …` of a page."""
    return [shlex.split(example.command)[1:] for example in examples(page) if example.command.startswith("signet ")]


def constant(lines):
    """Lines without what differs from run to run."""
    whole = "\n".join(lines)
    for pattern, name in VARIABLE:
        whole = re.sub(pattern, name, whole)
    return whole.splitlines()


class Shell:
    """Bash in the folder of an installation, where `data` and `Keys` are, with `signet` on the path."""

    def __init__(self, installation, **settings):
        self.folder = installation.folder
        folder = pathlib.Path(self.folder, "bin")
        folder.mkdir(exist_ok=True)
        if not (folder / "signet").is_symlink():
            (folder / "signet").symlink_to(binary())
        self.environment = environment(PATH=f"{folder}:{os.environ['PATH']}", **settings)

    def run(self, typed):
        """What `typed` prints, on both streams as a terminal shows them, and its exit status. It ends at a failure."""
        ended = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", typed], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=PATIENCE, cwd=self.folder, env=self.environment, check=False,
        )
        return ended.stdout, ended.returncode


def follow(case, page, shell, words):
    """Types each example of a page, and fails `case` where it prints anything but what the page shows.

    `words` has what is typed in place of words of the page: `KEY`, an address, a path. A negative answer (status 1)
    must be shown. Returns what was printed, one text for each example.
    """
    printed = []
    for command, shown in examples(page):
        typed = command
        for word in sorted(words, key=len, reverse=True):
            typed = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", lambda _, word=word: words[word], typed)
        output, status = shell.run(typed)
        case.assertIn(status, (OK, NEGATIVE) if shown else (OK,), f"docs/{page}: {typed}\n{output}")
        printed.append(output)
        for word in sorted(words, key=lambda word: len(words[word]), reverse=True):
            output = output.replace(words[word], word)
        compare(case, f"docs/{page}: {command}", constant(output.splitlines()), constant(shown))
    return printed


def compare(case, name, printed, shown):
    if not shown:
        return
    if "…" not in shown:
        case.assertEqual(printed, shown, name)
        return
    gap = shown.index("…")
    head, tail = shown[:gap], shown[gap + 1 :]
    case.assertNotIn("…", tail, f"{name}: one gap is enough")
    case.assertEqual(printed[: len(head)], head, name)
    case.assertEqual(printed[len(printed) - len(tail) :], tail, name)
    case.assertGreater(len(printed), len(head) + len(tail), f"{name}: nothing is left out")
