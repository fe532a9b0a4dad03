"""Reports about a store, built from all other rooms."""

from memmpy.report.bench import measure_rates

__all__ = ["measure_rates"]
