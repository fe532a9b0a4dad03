"""Toy collision events, and the run of ``memmpy demo``."""

from memmpy.demo.events import demo_files, make_events, write_demo_files
from memmpy.demo.run import DemoSetup, file_setup, run, toy_setup

__all__ = [
    "DemoSetup",
    "demo_files",
    "file_setup",
    "make_events",
    "run",
    "toy_setup",
    "write_demo_files",
]
