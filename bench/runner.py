"""Runner of the benchmark: measures part after part and saves each at once."""

import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from bench.context import Context
from bench.measurement import describe_machine
from bench.results import Entry, Failure, Results
from bench.section import Section

Sections = Sequence[Section[Any]]
LONGEST_ERROR = 200  # characters of an exception's text in the results


def names(sections: Sections) -> list[str]:
    """Return the full name of every part, in the order of measuring."""
    return [section.full_name(part) for section in sections for part in section.parts]


def select_parts(sections: Sections, wanted: Sequence[str]) -> list[str]:
    """Return the full names of the parts in ``wanted``, given by part or by section; all if it is empty.

    Raises ``ValueError`` for an unknown name.
    """
    known = names(sections)
    for name in wanted:
        if not any(_selects(name, each) for each in known):
            raise ValueError(f"no part is called {name!r}; choose among: {', '.join(known)}")
    return [each for each in known if not wanted or any(_selects(name, each) for name in wanted)]


def run_parts(
    sections: Sections,
    context: Context,
    results: Results,
    save: Callable[[Results], None],
    wanted: Sequence[str] = (),
) -> list[str]:
    """Measure the selected parts into ``results``, and call ``save`` after each, failed or not.

    A part that fails is reported on stderr, keeps its earlier rows, and does not stop the next. Returns the names of
    those that failed. Raises ``KeyboardInterrupt`` when interrupted, ``ValueError`` like ``select_parts``.
    """
    failed = []
    for name, section, measure in _measurements(sections, select_parts(sections, wanted)):
        print(f"{name} …", flush=True)
        try:
            if not section.uses_stack:
                context.stop_stack()
            rows: Sequence[BaseModel] = measure(context)
            table = section.table(rows)
        except Exception as error:
            failed.append(name)
            traceback.print_exc()
            _record_failure(results, name, error)
            # The stack may be in any state, so the next part gets a fresh one.
            _stop(context)
        else:
            dumped = [row.model_dump(mode="json") for row in rows]
            results.root[name] = Entry(date=_today(), machine=describe_machine(), quick=context.quick, rows=dumped)
            print(f"{table}\n", flush=True)
        save(results)
    return failed


def _measurements(
    sections: Sections, chosen: Sequence[str]
) -> Iterator[tuple[str, Section[Any], Callable[[Context], Sequence[BaseModel]]]]:
    for section in sections:
        for part, measure in section.parts.items():
            if (name := section.full_name(part)) in chosen:
                yield name, section, measure


def _record_failure(results: Results, name: str, error: Exception) -> None:
    text = " ".join(f"{type(error).__name__}: {error}".split())[:LONGEST_ERROR]
    earlier = results.root.get(name, Entry())
    results.root[name] = earlier.model_copy(update={"failure": Failure(date=_today(), error=text)})
    remark = f"its figures of {earlier.date} stay" if earlier.rows else "it has no earlier figures"
    print(f"{name} FAILED: {text}; {remark}\n", file=sys.stderr, flush=True)


def _stop(context: Context) -> None:
    try:
        context.stop_stack()
    except Exception:
        traceback.print_exc()


def _selects(name: str, part: str) -> bool:
    return part == name or part.startswith(f"{name}.")


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
