"""The exit statuses of commands."""

import signal

__all__ = ["FAILED", "INTERRUPTED", "MISUSED"]

#: Something went wrong, or was found to be wrong.
FAILED = 1
#: The command itself is wrong; click's own status for that.
MISUSED = 2
#: What a shell knows of a command that Ctrl-C ended.
INTERRUPTED = 128 + signal.SIGINT
