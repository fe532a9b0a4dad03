"""Reports: the rates of a store, and whether a training waits for its loader."""

from memmpy.report.bench import bench_loader, measure_rates
from memmpy.report.headspace import Headspace, headspace

__all__ = ["Headspace", "bench_loader", "headspace", "measure_rates"]
