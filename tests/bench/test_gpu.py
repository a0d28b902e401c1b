"""GPU benchmark without a GPU or a network: it runs, and says what it could not measure."""

from pathlib import Path

import pytest

from bench.gpu import main
from bench.gpu_results import GpuResults
from pipeline.models.stages import scores


def test_it_measures_the_engine_against_the_plain_recipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, output = scores.RETRY_BELOW, tmp_path / "gpu.json"
    options = ["--scale", "tiny", "--device", "cpu", "--jobs", "2", "--steps", "1", "--long-side", "64"]
    main([*options, "--profile", "fast", "--weights", str(tmp_path), "--output", str(output)])

    results = GpuResults.model_validate_json(output.read_text())
    assert (results.device, results.jobs) == ("CPU", 2)
    rows = {row.name: row for row in results.rows}
    for name in ("plain diffusers, 1 steps", "darkroom fast"):
        row = rows[name]
        assert {"load", "detect", "segment", "depth", "edges", "diffuse", "save"} <= set(row.stages)
        assert (row.peak_vram_mb, row.gpu_busy) == (None, None)
        assert row.seconds_per_picture > 0
        assert results.throughput[name] > 0
    assert results.throughput["plain diffusers, 1 steps"] == pytest.approx(1)
    seen, new = rows["darkroom fast, photo seen before"].stages, rows["darkroom fast"].stages
    assert all(seen[stage] == 0 < new[stage] for stage in ("detect", "segment", "classify", "depth", "edges"))
    assert before == scores.RETRY_BELOW
    assert "Targets: 2× at equal steps" in capsys.readouterr().out
