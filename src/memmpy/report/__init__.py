"""Reports about a store: `measure_rates`."""

from memmpy.report.bench import measure_rates

__all__ = ["measure_rates"]
