"""Execution of a conversion: runs the tasks of a plan and writes its columns."""
