#!/usr/bin/env python3
"""Reads the source tree and names what does not belong in it, as `file:line: rule: message`.

The formatter settles layout; this settles what a formatter cannot know: who may import whom, words with a home, sizes,
documented interfaces, and nothing of one machine in the repository. Exits 1 when it found something.

A finding that is right where it is gets a comment with its reason on the same line or in the three lines above (for
`file-length`, in the first ten lines): `tidy:allow function-length one row per state, splitting would hide it`.
"""

import argparse
import ast
import json
import pathlib
import re
import subprocess
import sys

from swift_source import SwiftSource

# Sizes

COLUMNS_MAX = 120
FUNCTION_LINES_MAX = 60
FILE_LINES_MAX = 600

# Who may import whom. The manifest says it for each target; the order below says it for the manifest: a target may
# depend on those before it only (docs/ARCHITECTURE.md).
LAYERS = (
    "Primitives CZlib LicenseToken LicenseClient CPQ Database Cluster CSodium Secrets Journal Access Customers Upkeep"
    " CIDN2 CPSL Licensing Money Ledger Billing Gateways Provisioning Messaging Automation Reporting HTTPAPI"
    " Portal SignetApp signet license-check"
).split()
FORBIDDEN_EDGES = {(part, "Licensing") for part in ("Money", "Ledger", "Billing")}
SYSTEM_MODULES = {"Foundation", "FoundationEssentials", "Dispatch", "Synchronization", "Glibc", "Musl", "Darwin"}
WITHOUT_FOUNDATION = {"Primitives"}
# The way to the network of the one part that runs in customers' programs; the server has its own.
WITH_NETWORK = {"LicenseClient": {"FoundationNetworking"}}
# What customers compile against.
CUSTOMERS = ("Sources/LicenseToken/", "Sources/LicenseClient/")
TEST_MODULES = {"Testing"}

# Files whose bytes are data: only what could leak or break a clone is looked at.
DATA_FOLDERS = {"Vectors", "Golden", "Tables"}
LINE_LENGTH_SUFFIXES = {".swift", ".py", ".yaml", ".yml", ".sh", ".php", ".js", ".mjs", ".lua"}
TAB_SUFFIXES = {".go", ".tsv", ".mod"}
PICTURES = {".png", ".ico"}

# Spelled out here and in the tests beside this file only, where the rules that use them do not look.
HERE = "Tests/Tidy/"
MACHINE_PATH = re.compile(r"(?<![\w.\-/$})>])/(?:tmp|work|root|opt/swift|home/[a-z]\w*)(?!\w)")
BRITISH = re.compile(
    r"\b(?:licen[c]es?|behaviours?|colours?|favourites?|catalogues?"
    r"|(?:author|canonical|initial|normal|organ|recogn|serial|summar|synchron)is(?:e|es|ed|ing|ation))\b",
    re.IGNORECASE,
)
UNFINISHED = re.compile(r"\b(?:FIXME|XXX|HACK)\b(?!-)|\bTODO\b(?!\((?:[\w@/.-]+|#\d+)\))")
UNFINISHED_SUFFIXES = {".swift", ".py", ".sh", ".php", ".js", ".mjs", ".go", ".lua"}
PYTHON_SKIP = re.compile(r"\.skipTest\(|@unittest\.skip|\bSkipTest\b")
ALLOW = re.compile(r"tidy:allow (?P<rule>[\w-]+)[ :,–-]+\S+")


class Word:
    """A word that has a home, or none. `comment_lines`: lines above that may carry the comment which permits it."""

    def __init__(self, rule, pattern, message, inside=("Sources/",), home=(), comment_lines=None):
        self.rule, self.pattern, self.message = rule, re.compile(pattern), message
        self.inside, self.home, self.comment_lines = inside, home, comment_lines

    def applies_to(self, path):
        return path.startswith(self.inside) and not (self.home and path.startswith(self.home))


BOTH = ("Sources/", "Tests/")
WORDS = (
    Word("ambient-time", r"\bDate\(\)|\bDate\.now\b", "time is an argument; edges ask a WallClock", BOTH),
    Word("force", r"\btry!|\bas!", "handle the failure, or state the invariant with preconditionFailure"),
    Word("output", r"(?<![.\w])(?:print|debugPrint|dump)\(", "only the executable prints", home=("Sources/signet/",)),
    Word("fatal", r"\bfatalError\(", "preconditionFailure with the invariant that was broken"),
    Word("fatal", r"\bpreconditionFailure\(\s*\)", "say which invariant was broken"),
    Word("formatting", r"\bString\(format:", "slow and locale-dependent; build the text"),
    Word("error-confession", r"\.localizedDescription\b", "errors answer with their stable code"),
    Word("silent-default", r"\btry\?", "say in a comment why the error may be dropped", comment_lines=4),
    Word(
        "unchecked",
        r"@unchecked\s+Sendable|\bnonisolated\(unsafe\)|\bunowned\(unsafe\)|\bunsafeBitCast\(",
        "state the invariant, and who upholds it, in a comment above",
        inside=BOTH,
        comment_lines=6,
    ),
    Word("exported-import", r"@_exported\b", "importers name what they use", BOTH),
    Word("testable", r"@testable\b", "sources see each other through package access"),
    Word("waiting", r"\b(?:Thread\.sleep|usleep|nanosleep)\(|(?<![.\w])sleep\(", "move the clock", ("Tests/",)),
    Word("waiting", r"\bTask\.sleep\(", "move the clock, or say what is waited for", ("Tests/",), comment_lines=2),
    Word("skipped-test", r"\.disabled\(|\bwithKnownIssue\b|\bXCTSkip\b", "a test runs or is removed", ("Tests/",)),
    Word(
        "money",
        r"\b(?:Double|Float|Decimal)\b",
        "amounts are minor units and a currency",
        inside=("Sources/Money/", "Sources/Ledger/", "Sources/Billing/"),
    ),
)
DOCUMENTED = re.compile(
    r"^(?P<indent>\s*)(?:@\w+(?:\([^)]*\))?\s+)*(?P<access>public|open|package)\s+"
    r"(?:(?:static|class|final|mutating|nonmutating|override|convenience|indirect|required|nonisolated|lazy)\s+)*"
    r"(?P<kind>func|init|subscript|struct|class|enum|actor|protocol|typealias|var|let)\b[?!]?\s*(?P<name>[\w`]*)"
)
SPEAKING = {"var", "let", "subscript", "typealias"}
WITNESSES = {"hash", "encode", "next", "makeIterator", "makeAsyncIterator", "run", "callAsFunction", "index"}
PUBLIC_ENUM = re.compile(r"\b(?:public|open)\s+(?:indirect\s+)?enum\s+(\w+)[^{]*\{")
PROTOCOL = re.compile(r"\bprotocol\s+\w+[^{]*\{")


class Finding:
    def __init__(self, path, line, rule, message):
        self.path, self.line, self.rule, self.message = path, line, rule, message

    def __str__(self):
        return f"{self.path}:{self.line}: {self.rule}: {self.message}"


# Every file


class TextFile:
    """One file of the tree, by its path relative to the root."""

    def __init__(self, root, path):
        self.path = path
        self.bytes = (root / path).read_bytes()
        self.suffix = pathlib.PurePosixPath(path).suffix
        self.is_data = bool(DATA_FOLDERS & set(pathlib.PurePosixPath(path).parts))
        try:
            self.text = None if b"\0" in self.bytes else self.bytes.decode()
        except UnicodeDecodeError:
            self.text = None
        self.lines = [] if self.text is None else self.text.split("\n")

    def allows(self, finding):
        first, last = (1, 10) if finding.rule == "file-length" else (finding.line - 3, finding.line)
        near = self.lines[max(first - 1, 0) : last]
        return any(match.group("rule") == finding.rule for line in near for match in ALLOW.finditer(line))


def check_bytes(file):
    """Every file is text, ended by a newline, laid out with spaces."""
    if file.text is None:
        if file.suffix not in PICTURES:
            yield 1, "binary", "not UTF-8 text; the repository holds sources"
        return
    if file.is_data or not file.text:
        return
    if not file.text.endswith("\n") or file.text.endswith("\n\n"):
        yield len(file.lines), "final-newline", "ends with exactly one newline"
    may_hold_tabs = file.suffix in TAB_SUFFIXES or file.path.endswith("Makefile")
    for number, line in enumerate(file.lines, 1):
        if line.endswith("\r"):
            yield number, "line-ending", "carriage return"
        elif line != line.rstrip():
            yield number, "trailing-space", "space at the end of the line"
        if "\t" in line and not may_hold_tabs:
            yield number, "tab", "indent with spaces"
        if file.suffix in LINE_LENGTH_SUFFIXES and len(line) > COLUMNS_MAX:
            yield number, "line-length", f"{len(line)} columns; at most {COLUMNS_MAX}"


def check_wording(file):
    """No file speaks of one machine, of unfinished work without an owner, or in another spelling."""
    if file.path.startswith(HERE):
        return
    for number, line in enumerate(file.lines, 1):
        if match := MACHINE_PATH.search(line):
            yield number, "machine-path", f"{match.group()} is a place on one machine"
        if match := BRITISH.search(line):
            yield number, "spelling", f"American spelling, not “{match.group()}”"
        if file.suffix in UNFINISHED_SUFFIXES and (match := UNFINISHED.search(line)):
            yield number, "unfinished", f"{match.group()} needs an owner or a record: TODO(docs/decisions/0004)"


def check_sizes(file):
    if file.suffix in (".swift", ".py") and len(file.lines) - 1 > FILE_LINES_MAX:
        yield 1, "file-length", f"{len(file.lines) - 1} lines; at most {FILE_LINES_MAX}: one idea for each file"
    for name, first, last in functions_of(file):
        if last - first + 1 > FUNCTION_LINES_MAX:
            yield first, "function-length", f"{name} has {last - first + 1} lines; at most {FUNCTION_LINES_MAX}"


def functions_of(file):
    if file.suffix == ".swift":
        yield from file.swift.functions()
    elif file.suffix == ".py":
        for node in ast.walk(ast.parse(file.text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield node.name, node.lineno, node.end_lineno


def check_keys(file):
    if file.path.startswith("Keys/") and file.path != "Keys/README.md":
        yield 1, "secret", "key files are never in the repository"


def check_python(file):
    if file.suffix == ".py" and file.path.startswith("Tests/") and not file.path.startswith(HERE):
        for number, line in enumerate(file.lines, 1):
            if PYTHON_SKIP.search(line):
                yield number, "skipped-test", "what a test needs is installed by the Makefile; a missing one fails"


# Swift


def check_words(file):
    if file.suffix != ".swift":
        return
    for word in WORDS:
        if not word.applies_to(file.path):
            continue
        for number, line in enumerate(file.swift.code_lines, 1):
            match = word.pattern.search(line)
            if match is None:
                continue
            if word.comment_lines is None or not file.swift.has_comment(number - word.comment_lines, number):
                yield number, word.rule, f"{match.group().strip()}: {word.message}"


def check_documentation(file, requirements):
    """Types and functions that other targets see carry a summary; everything that customers see does.

    A group of declarations without a blank line between them shares one, and so do overloads. What a protocol of ours
    documents, and operators, need none. Of `package` ones, properties, plain initializers and functions that fit on
    one line with their body speak for themselves: a comment that repeats a name trains readers to skip the others.
    """
    if file.suffix != ".swift" or not file.path.startswith("Sources/"):
        return
    described = set(requirements) | WITNESSES
    for number, code in enumerate(file.swift.code_lines, 1):
        match = DOCUMENTED.match(code)
        if match is None:
            continue
        kind, name = match.group("kind"), match.group("name").strip("`")
        if file.path.startswith(CUSTOMERS) and match.group("access") in ("public", "open"):
            if name not in WITNESSES and not is_documented_itself(file.lines, number):
                yield number, "undocumented", f"{kind} {name}".strip() + " is public: it needs a summary of its own"
            continue
        if is_documented(file.lines, number, match.group("indent")):
            described.add(name)
        elif name not in described and not speaks_for_itself(match, code):
            yield number, "undocumented", f"{kind} {name}".strip() + " is seen by other targets: one line on what it is"


def speaks_for_itself(match, code):
    kind, name = match.group("kind"), match.group("name")
    if kind == "func" and not name:
        return True
    fits_on_one_line = kind == "func" and code.rstrip().endswith("}")
    is_plain_initializer = kind == "init" and "throws" not in code
    return match.group("access") == "package" and (kind in SPEAKING or fits_on_one_line or is_plain_initializer)


def is_documented_itself(lines, number):
    """Whether the comment that documents a declaration stands directly above it and its attributes."""
    for line in reversed(lines[: number - 1]):
        if not line.strip().startswith("@"):
            return line.strip().startswith("///")
    return False


def is_documented(lines, number, indent):
    for line in reversed(lines[: number - 1]):
        if not line.strip() or len(line) - len(line.lstrip()) < len(indent):
            return False
        if line.startswith(indent + "///"):
            return True
    return False


def check_client_enums(file):
    """A case added to a public enum breaks every customer's switch."""
    if file.suffix == ".swift" and file.path.startswith(CUSTOMERS):
        for match in PUBLIC_ENUM.finditer(file.swift.code):
            body = file.swift.block(match.end() - 1)
            if re.search(r"^\s*(?:indirect\s+)?case\b", body, re.MULTILINE):
                line = file.swift.line_of(match.start())
                yield line, "public-enum", f"{match.group(1)}: make it a struct with static members"


def protocol_requirements(files):
    """Names declared in protocols of ours: whoever conforms inherits the documentation."""
    names = set()
    for file in files:
        if file.suffix == ".swift":
            for match in PROTOCOL.finditer(file.swift.code):
                body = file.swift.block(match.end() - 1)
                names.update(re.findall(r"\b(?:func|var)\s+(\w+)", body))
    return names


# Imports


class Manifest:
    """Target folder → its name, what it may import, and whether it is of the tests or benchmarks."""

    def __init__(self, description):
        self.targets = {}
        for target in description["targets"]:
            is_test = target["type"] == "test"
            folder = target.get("path") or f"{'Tests' if is_test else 'Sources'}/{target['name']}"
            names = [next(iter(dependency.values()))[0] for dependency in target["dependencies"]]
            self.targets[folder] = (target["name"], names, folder.startswith(("Tests/", "Benchmarks/")))

    @classmethod
    def of(cls, root):
        command = ["swift", "package", "--package-path", str(root), "--ignore-lock", "dump-package"]
        return cls(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))

    def target_of(self, path):
        for folder, target in self.targets.items():
            if path.startswith(folder + "/"):
                return target
        return None

    def check_direction(self):
        for name, dependencies, is_test in self.targets.values():
            if is_test:
                continue
            if name not in LAYERS:
                yield f"{name} has no place in the order of targets (Tests/Tidy/tidy.py)"
                continue
            for dependency in dependencies:
                if dependency in LAYERS and LAYERS.index(dependency) >= LAYERS.index(name):
                    yield f"{name} may not depend on {dependency}: imports point toward Primitives"
                elif (name, dependency) in FORBIDDEN_EDGES:
                    yield f"{name} may not depend on {dependency}: billing declares what it needs"


IMPORT = re.compile(
    r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?import\s+"
    r"(?:(?:struct|class|enum|protocol|func|var|let|typealias)\s+)?(?P<module>\w+)"
)


def check_imports(file, manifest):
    if file.suffix != ".swift" or not file.path.startswith(BOTH):
        return
    target = manifest.target_of(file.path)
    if target is None:
        yield 1, "import", "belongs to no target of Package.swift"
        return
    name, dependencies, is_test = target
    system = SYSTEM_MODULES - {"Foundation", "FoundationEssentials"} if name in WITHOUT_FOUNDATION else SYSTEM_MODULES
    allowed = set(dependencies) | system | WITH_NETWORK.get(name, set()) | (TEST_MODULES if is_test else set())
    for number, line in enumerate(file.swift.code_lines, 1):
        match = IMPORT.match(line)
        if match and match.group("module") not in allowed:
            yield number, "import", f"{name} may not import {match.group('module')}"


# The tree


def paths_of(root):
    """Files that are, or would be, in the repository."""
    if (root / ".git").exists():
        command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.decode().split("\0")
        return sorted({path for path in listed if path and (root / path).is_file()})
    found = (path for path in root.rglob("*") if path.is_file() and not {".build", "__pycache__"} & set(path.parts))
    return sorted(path.relative_to(root).as_posix() for path in found)


def findings(root, manifest):
    """Everything that does not belong, in order of path and line."""
    files = [TextFile(root, path) for path in paths_of(root)]
    for file in files:
        if file.suffix == ".swift" and file.text is not None:
            file.swift = SwiftSource(file.text)
    readable = [file for file in files if file.text is not None]
    requirements = protocol_requirements(readable)
    checks = (
        check_wording,
        check_sizes,
        check_keys,
        check_python,
        check_words,
        check_client_enums,
        lambda file: check_documentation(file, requirements),
        lambda file: check_imports(file, manifest),
    )
    found = [Finding("Package.swift", 1, "direction", message) for message in manifest.check_direction()]
    for file in files:
        rows = list(check_bytes(file))
        if file.text is not None:
            rows += [row for check in checks for row in check(file)]
        found += [finding for row in rows if not file.allows(finding := Finding(file.path, *row))]
    return sorted(found, key=lambda finding: (finding.path, finding.line, finding.rule))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("root", nargs="?", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2])
    root = parser.parse_args().root
    found = findings(root, Manifest.of(root))
    for finding in found:
        print(finding)
    print(f"tidy: {len(paths_of(root))} files, {len(found)} findings", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
