"""Reads docs/behaviors.md and names the evidence that is not there.

The page has two tables. In the last cell of a row, a code span that ends as a file does is a file below `Tests/`, and
every other one is a test of the file named last before it: the display name of a Swift test, a Python test (also as
`Class.test_name`), the name of a case in a file of vectors, or the first cell of a row in a text table. A row without
such evidence says why in a sentence that begins with `No test:`.
"""

import ast
import json
import re

from swift_source import SwiftSource

PAGE = "docs/behaviors.md"
ROWS = (25, 17)  # of each table, in the page's order
SPAN = re.compile(r"`([^`]+)`")
FILE = re.compile(r"[\w/.+-]+\.(?:swift|py|json|txt)")
REASON = re.compile(r"\bNo test: (?:\S+ ){3}")
RULE = re.compile(r"\|(?: ?:?-+:? ?\|)+")
TITLED = re.compile(r'@Test\(\s*(?=")')
TITLE = re.compile(r'"((?:[^"\\]|\\.)*)"')


def swift_tests(text):
    """Display names, also where they stand on the line after `@Test(`; what is commented out is none."""
    for match in TITLED.finditer(SwiftSource(text).code):
        yield TITLE.match(text, match.end()).group(1).replace('\\"', '"')


def python_tests(text):
    for group in ast.parse(text).body:
        if isinstance(group, ast.ClassDef):
            for test in group.body:
                if isinstance(test, ast.FunctionDef) and test.name.startswith("test"):
                    yield test.name
                    yield f"{group.name}.{test.name}"


def case_names(text):
    def names(value):
        if isinstance(value, dict):
            if isinstance(value.get("name"), str):
                yield value["name"]
            value = list(value.values())
        if isinstance(value, list):
            for each in value:
                yield from names(each)

    return names(json.loads(text))


def first_cells(text):
    return (line.split("|")[0].strip() for line in text.splitlines() if "|" in line and not line.startswith("#"))


READERS = {"swift": swift_tests, "py": python_tests, "json": case_names, "txt": first_cells}


class Evidence:
    """The tests of a tree, each file read once."""

    def __init__(self, root):
        self.root = root / "Tests"
        self._names = {}

    def names(self, path):
        """The tests in a file, or None where there is no such file."""
        if path not in self._names:
            file = self.root / path
            names = set(READERS[path.rpartition(".")[2]](file.read_text())) if file.is_file() else None
            self._names[path] = names
        return self._names[path]

    def missing(self, cell):
        """What is wrong with the evidence in a cell, one sentence each."""
        path, cited = None, {}
        for span in SPAN.findall(cell):
            if FILE.fullmatch(span):
                path = span
                cited.setdefault(path, 0)
                if self.names(path) is None:
                    yield f"there is no file Tests/{path}"
            elif path is None:
                yield f"“{span}” stands before any file"
            else:
                cited[path] += 1
                if self.names(path) is not None and span not in self.names(path):
                    yield f"Tests/{path} has no test “{span}”"
        yield from (f"no test of Tests/{path} is named" for path, count in cited.items() if count == 0)
        if not SPAN.search(cell) and not REASON.search(cell):
            yield "neither evidence nor a reason"


def tables(text):
    """Each table's rows, without head and rule, as (line number, cells)."""
    found, within = [], False
    for number, line in enumerate(text.splitlines(), 1):
        if RULE.fullmatch(line):
            found.append([])
            within = True
        elif within and line.startswith("|"):
            found[-1].append((number, [cell.strip() for cell in line.strip("|").split("|")]))
        else:
            within = False
    return found


def complaints(root, rows=ROWS):
    """Everything that is wrong with the page of the tree at `root`, in order of line."""
    evidence, found = Evidence(root), tables((root / PAGE).read_text())
    if len(found) != len(rows):
        yield f"{PAGE}:1: {len(found)} tables; there should be {len(rows)}"
    for table, count in zip(found, rows):
        numbers = [cells[0] for _, cells in table]
        if numbers != [str(number) for number in range(1, count + 1)]:
            yield f"{PAGE}:{table[0][0] if table else 1}: the rows should be 1…{count}: {', '.join(numbers)}"
        for number, cells in table:
            if len(cells) != 3:
                yield f"{PAGE}:{number}: {len(cells)} cells; there should be a number, a behavior and its evidence"
                continue
            for complaint in evidence.missing(cells[2]):
                yield f"{PAGE}:{number}: {complaint}"
