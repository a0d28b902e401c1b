"""Sections of the benchmark: their parts, and the tables of their figures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from bench.context import Context

Row = TypeVar("Row", bound=BaseModel)


@dataclass(frozen=True)
class Section(Generic[Row]):
    """One table of the report and the measurements behind it.

    ``about`` is the sentence above the table. ``heads`` and ``cells`` give its columns. ``parts`` maps the name of each
    part to the function that measures its rows: a part fails, is kept and is repeated by itself. A section whose
    ``uses_stack`` is false is measured after the local stack has stopped, which would take its share of the cores.
    """

    name: str
    about: str
    row: type[Row]
    heads: Sequence[str]
    cells: Callable[[Row], Sequence[object]]
    parts: Mapping[str, Callable[[Context], Sequence[Row]]]
    uses_stack: bool = False

    def full_name(self, part: str) -> str:
        """Return a part's name on the command line and in the results file: ``section.part``, or the section's."""
        return self.name if part == self.name else f"{self.name}.{part}"

    def table(self, rows: Sequence[Any]) -> str:
        """Format the rows, models or JSON, as a Markdown table. Raises ``ValidationError`` for rows of another form."""
        models = [self.row.model_validate(row) for row in rows]
        lines = [self.heads, ["---"] * len(self.heads), *map(self.cells, models)]
        return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def slowest(stages: Mapping[str, float], *, digits: int = 0) -> str:
    """Format the three slowest stages for a cell.

    >>> slowest({"load": 1.4, "detect": 9.0, "show": 2.2, "save": 3.0})
    'detect 9, save 3, show 2'
    """
    ranked = sorted(stages.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {amount:.{digits}f}" for name, amount in ranked[:3])
