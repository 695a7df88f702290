"""The benchmark measures what it says, at a tiny size."""

from __future__ import annotations

import pytest
import render_figures as figures

from motion.errors import BadInput
from render import bench


def test_bench_measures_both_renderers() -> None:
    row = bench.measure((48, 40), 2, figures.FIGURE)
    assert row.size == (48, 40)
    for field in ("pyrender_ms", "pyrender_shadows_ms", "ours_ms", "ours_flow_ms", "ours_aa_ms"):
        assert 0.1 < getattr(row, field) < 60_000
    assert row.plain_ratio > 0 and row.shadows_ratio > 0 and row.aa_ratio > 0


def test_bench_refuses_odd_sizes() -> None:
    with pytest.raises(BadInput, match="WIDTHxHEIGHT"):
        bench.run(1, "large")
