"""The command line, as ``python -m memmpy VERB``."""

from memmpy.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
