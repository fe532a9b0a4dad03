"""The command line: ``memmpy VERB``."""

import sys

try:
    from memmpy.cli.main import main
except KeyboardInterrupt:  # no command is there yet that could say it
    sys.stderr.write("\nAborted!\n")
    sys.exit(130)

__all__ = ["main"]
