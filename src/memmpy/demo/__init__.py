"""Toy collision events, and the run that ``memmpy demo`` makes."""

from memmpy.demo.events import demo_files, make_events, write_demo_files
from memmpy.demo.run import Job, own_job, run, toy_job

__all__ = [
    "Job",
    "demo_files",
    "make_events",
    "own_job",
    "run",
    "toy_job",
    "write_demo_files",
]
