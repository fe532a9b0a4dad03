"""The command line: ``memmpy VERB``."""

import sys

try:
    from memmpy.cli.main import main
except KeyboardInterrupt:  # no command runs yet that would print this
    sys.stderr.write("\nAborted!\n")
    sys.exit(130)

__all__ = ["main"]
