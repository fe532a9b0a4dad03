"""Toy collision events, and the runs of ``memmpy demo``."""

from memmpy.demo.events import demo_files, make_events, write_demo_files
from memmpy.demo.file_run import run_files
from memmpy.demo.network import Network
from memmpy.demo.toy_run import run_toys

__all__ = [
    "Network",
    "demo_files",
    "make_events",
    "run_files",
    "run_toys",
    "write_demo_files",
]
