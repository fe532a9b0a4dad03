"""Reports: a page on a store, the rates of a store, and whether a training waits for its loader."""

from memmpy.report.bench import bench_loader, measure_rates
from memmpy.report.headspace import Headspace, headspace
from memmpy.report.python_code import PythonCall, PythonText, code_of
from memmpy.report.write_report import check_report_path, write_report

__all__ = [
    "Headspace",
    "PythonCall",
    "PythonText",
    "bench_loader",
    "check_report_path",
    "code_of",
    "headspace",
    "measure_rates",
    "write_report",
]
