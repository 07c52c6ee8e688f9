"""Tables in Markdown, as docs/scale.md quotes them."""

import math
import typing


class Table(typing.NamedTuple):
    """Figures under a header. `seed`: what they were drawn from; None when nothing was drawn."""

    name: str
    seed: int | None
    header: tuple
    rows: list

    def markdown(self):
        lines = [self.header, ["---"] * len(self.header), *self.rows]
        return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def percentile(ordered, share):
    """The value below which `share` of an ordered list lies."""
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def whole(value):
    return f"{value:,.0f}"


def rough(value):
    """Two digits that count: the inputs know no more."""
    if value == 0:
        return "0"
    digits = 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, digits)
    return f"{rounded:,.0f}" if rounded >= 10 or rounded == round(rounded) else f"{rounded:g}"
