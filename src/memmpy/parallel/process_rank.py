"""The rank of this process: a number, or that of torch.distributed, torchrun or SLURM."""

import os
import sys
from typing import Any, Literal, TypeAlias

from memmpy.checks import check_integer
from memmpy.errors import OptionError, nearest

__all__ = ["RankOption", "check_rank"]

#: The number of a process, or where to find it.
RankOption: TypeAlias = int | Literal["auto", "slurm"]

_NAMES = "auto", "slurm"
_TORCHRUN = "RANK", "WORLD_SIZE"
_SLURM = "SLURM_PROCID", "SLURM_NTASKS"


def check_rank(rank: RankOption, world_size: int) -> tuple[int, int]:
    """Return the number of this process, and how many processes train together.

    Parameters
    ----------
    rank : int, "auto" or "slurm"
        The number itself. ``"auto"`` takes both numbers from `torch.distributed` if the process has
        initialised it; else from ``RANK`` and ``WORLD_SIZE``, which torchrun sets; else they are 0
        and 1. ``"slurm"`` takes them from ``SLURM_PROCID`` and ``SLURM_NTASKS``, which srun sets.
    world_size : int
        How many processes there are. If it is not 1, it must be the number that is found.

    Raises
    ------
    OptionError
        If `rank` is another text, if a variable is missing or wrong, or the numbers of processes
        differ.
    """
    world_size = check_integer("world_size", world_size, minimum=1)
    given: object = rank
    if not isinstance(given, str):
        number = check_integer("rank", given, minimum=0)
        if number >= world_size:
            raise OptionError(f"no rank {number} of {world_size}: give 0 to {world_size - 1}")
        return number, world_size
    if given not in _NAMES:
        message = f"rank must be an integer of at least 0, 'auto' or 'slurm', got {given!r}"
        raise OptionError(f"{message}{nearest(given, _NAMES)}")
    numbers, where = _rank_of_torch() if given == "auto" else _rank_of_slurm()
    if world_size not in {1, numbers[1]}:
        message = f"rank={given!r} finds {numbers[1]:,} processes by {where}, not {world_size:,}"
        raise OptionError(f"{message}: leave out world_size=")
    return numbers


def _rank_of_torch() -> tuple[tuple[int, int], str]:
    """Return the rank and the number of ranks, and the name of where they are from."""
    # A script that trains with torch has imported it by now.
    distributed: Any = sys.modules.get("torch.distributed")
    if distributed is not None and distributed.is_available() and distributed.is_initialized():
        numbers = distributed.get_rank(), distributed.get_world_size()
        return numbers, "torch.distributed"
    return _variables(_TORCHRUN) or (0, 1), " and ".join(_TORCHRUN)


def _rank_of_slurm() -> tuple[tuple[int, int], str]:
    numbers, where = _variables(_SLURM), " and ".join(_SLURM)
    if numbers is None:
        message = f"rank='slurm' needs {where}, which srun sets: start the script with srun"
        raise OptionError(f"{message}, or leave out rank=")
    return numbers, where


def _variables(names: tuple[str, str]) -> tuple[int, int] | None:
    """Return the rank and the number of ranks that variables of the environment give, if any."""
    texts = [os.environ.get(name, "").strip() for name in names]
    if not any(texts):
        return None
    given = ", ".join(f"{name}={text!r}" for name, text in zip(names, texts, strict=True))
    if not all(texts):
        missing = names[texts.index("")]
        message = f"the environment has {given}, and rank= needs both: set {missing}"
        raise OptionError(f"{message}, initialise torch.distributed first, or give rank=0")
    if not all(text.isascii() and text.isdigit() for text in texts):
        raise OptionError(f"the environment has {given}, and rank= needs two integers")
    rank, world_size = map(int, texts)
    if rank >= world_size:
        raise OptionError(f"the environment has {given}: the rank must be less than the number")
    return rank, world_size
