"""A Swift file seen by its characters: which are code, which are comments, where functions begin and end.

Not a parser. It knows comments, string literals and balanced brackets, which is what the rules of `tidy.py` need.
"""

import re

DECLARATION = re.compile(
    r"\b(func|init|deinit|subscript|var|let|case|struct|class|enum|actor|extension|protocol|typealias|associatedtype)\b"
)
FUNCTION = re.compile(r"(?<![.\w`])(?:func\s+(?P<name>[^\s(<]+)|(?P<special>init|deinit|subscript)(?=[\s(<?!{]))")
STRING_START = re.compile(r'(#*)("""|")')


class SwiftSource:
    """`code` is the text with comments and the contents of strings blanked, character by character."""

    def __init__(self, text):
        self.text = text
        self._blanked = list(text)
        self._comment_lines = set()
        self._line_starts = [0] + [match.end() for match in re.finditer("\n", text)]
        self._code(0, until_parenthesis=False)
        self.code = "".join(self._blanked)
        self.lines = text.split("\n")
        self.code_lines = self.code.split("\n")

    def line_of(self, offset):
        low, high = 0, len(self._line_starts)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._line_starts[middle] <= offset else (low, middle)
        return low + 1

    def has_comment(self, first, last):
        """Whether a comment stands on one of the lines `first`…`last`, counted from 1."""
        return any(line in self._comment_lines for line in range(first, last + 1))

    def block(self, opening):
        """The code between the brace at `opening` and the one that closes it."""
        return self.code[opening + 1 : self._closing(opening)]

    # What is code

    def _blank(self, start, end):
        for index in range(start, end):
            if self.text[index] != "\n":
                self._blanked[index] = " "

    def _comment(self, start, end):
        self._blank(start, end)
        self._comment_lines.update(range(self.line_of(start), self.line_of(end - 1) + 1))

    def _code(self, at, until_parenthesis):
        """Walks code from `at`; with `until_parenthesis`, to the end of a string's interpolation."""
        depth = 0
        while at < len(self.text):
            if self.text.startswith("//", at):
                end = self.text.find("\n", at)
                end = len(self.text) if end < 0 else end
                self._comment(at, end)
                at = end
            elif self.text.startswith("/*", at):
                end = self._end_of_block_comment(at)
                self._comment(at, end)
                at = end
            elif (match := STRING_START.match(self.text, at)) is not None:
                at = self._string(match)
            else:
                depth += {"(": 1, ")": -1}.get(self.text[at], 0)
                at += 1
                if until_parenthesis and depth < 0:
                    return at
        return at

    def _end_of_block_comment(self, at):
        depth = 0
        for match in re.compile(r"/\*|\*/").finditer(self.text, at):
            depth += 1 if match.group() == "/*" else -1
            if depth == 0:
                return match.end()
        return len(self.text)

    def _string(self, opening):
        hashes, quotes = opening.groups()
        closing, escape = quotes + hashes, "\\" + hashes
        at = content = opening.end()
        while at < len(self.text):
            if self.text.startswith(closing, at):
                self._blank(content, at)
                return at + len(closing)
            if self.text.startswith(escape + "(", at):
                self._blank(content, at)
                at = content = self._code(at + len(escape) + 1, until_parenthesis=True)
            elif self.text.startswith(escape, at):
                at += len(escape) + 1
            elif self.text[at] == "\n" and quotes == '"':
                return at
            else:
                at += 1
        return at

    # Functions

    def functions(self):
        """Name, first line and last line of each function, initializer and subscript that has a body."""
        for match in FUNCTION.finditer(self.code):
            body = self._body_start(match.end())
            if body is not None:
                name = match.group("name") or match.group("special")
                yield name, self.line_of(match.start()), self.line_of(self._closing(body))

    def _body_start(self, at):
        depth = 0
        for index in range(at, len(self.code)):
            character = self.code[index]
            if character in "([":
                depth += 1
            elif character in ")]":
                depth -= 1
            if depth < 0 or (depth == 0 and character == "}"):
                return None
            if depth == 0 and character == "{":
                return index
            if depth == 0 and self.code[index - 1].isspace() and DECLARATION.match(self.code, index):
                return None
        return None

    def _closing(self, opening):
        depth = 0
        for index in range(opening, len(self.code)):
            depth += {"{": 1, "}": -1}.get(self.code[index], 0)
            if depth == 0:
                return index
        return len(self.code) - 1
