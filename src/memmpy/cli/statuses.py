"""The exit statuses of the command line."""

import signal

__all__ = ["FAILED", "INTERRUPTED", "USAGE_ERROR"]

#: An error, or a finding of `verify` or `check`.
FAILED = 1
#: A usage error; click uses this status, too.
USAGE_ERROR = 2
#: The end by Ctrl-C, as shells report it.
INTERRUPTED = 128 + signal.SIGINT
