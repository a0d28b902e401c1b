"""The results as Markdown, between two markers in README.md."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.__main__ import Results

BEGIN = "<!-- bench: written by `make bench` -->"
END = "<!-- /bench -->"


def renew(readme: Path, results: Results) -> None:
    """Replace what stands between the markers. Raises ``ValueError`` when the README has none."""
    before, begin, rest = readme.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{readme} has no place for the results; add {BEGIN} and {END}")
    readme.write_text(f"{before}{BEGIN}\n{_markdown(results)}\n{END}{after}", "utf-8")


def _markdown(results: Results) -> str:
    spine = _table(
        (
            *("In flight", "Watched by", "Jobs/s", "POST /jobs", "Upload → queued", "Upload → running"),
            *("State → client", "Submit → done", "Requests/job"),
        ),
        [
            (
                *(row.in_flight, row.watched_by, row.jobs_per_second, row.api, row.upload_to_queued),
                *(row.upload_to_running, row.state_to_client or "", row.submit_to_done, row.requests_per_job),
            )
            for row in results.spine
        ],
    )
    functions = _table(
        ("Lambda", "Import ms", "Ratio to bare boto3", "Zip kB"),
        [(row.name, f"{row.import_ms:.0f}", f"{row.ratio:.2f}", f"{row.zip_kb:.0f}") for row in results.lambdas],
    )
    preview = _table(
        ("Kind", "Megapixels", "ms", "ms per megapixel", "Slowest stages"),
        [
            (row.kind, row.megapixels, f"{row.milliseconds:.0f}", f"{row.ms_per_megapixel:.0f}", _slowest(row.stages))
            for row in results.preview
        ],
    )
    video = _table(
        ("Kind", "Size", "Seconds", "Work per second", "Times encoding alone", "Slowest stages"),
        [
            (
                *(row.kind, row.size, f"{row.seconds:.1f}", f"{row.per_second:.2f}", f"{row.ratio:.1f}"),
                _slowest(row.stages, digits=2),
            )
            for row in results.video
        ],
    )
    base = results.baseline
    return (
        f"Taken {results.date} on {results.machine}; the load client, the emulator and the container share it. "
        f"There a million turns of a Python loop took {base.python_ms:.0f} ms and one DynamoDB GetItem through the "
        f"emulator {base.get_item_ms:.1f} ms; a watched job makes some thirty such calls and "
        f"runs nine functions, all through the emulator's one event loop.\n\n"
        f"Jobs through the whole event path with an empty stage list (milliseconds, p50 / p95 / p99):\n\n{spine}\n\n"
        f"Cold imports (median) and zipped size without the layer:\n\n{functions}\n\n"
        f"The preview engine, load to save:\n\n{preview}\n\n"
        f"Videos by the preview engine: seconds of work for a second of video. Encoding alone is the same encoder on a "
        f"picture that never changes, in the same run:\n\n{video}"
    )


def _slowest(stages: dict[str, float], *, digits: int = 0) -> str:
    ranked = sorted(stages.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {amount:.{digits}f}" for name, amount in ranked[:3])


def _table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
