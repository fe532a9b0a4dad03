"""Reads damaged copies of a ROOT file, and tells what memmpy makes of each.

    python -m tests.sources.root.damage FILE TREE BRANCH,BRANCH NUM SEED

prints a line of JSON for each copy whose outcome is no error of memmpy and not the right values,
and the counts of outcomes last. Each copy has 10 s of CPU time, and all have 2 GiB of memory.
"""

import json
import random
import resource
import signal
import struct
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import uproot

from memmpy.errors import MemmpyError
from memmpy.jagged import Jagged
from memmpy.sources import ByteSource
from memmpy.sources.root import TreeFile
from memmpy.sources.root.compression import decompress
from memmpy.sources.root.lazy_tree import LazyTree

__all__ = ["outcomes"]

SECONDS, MEMORY = 10, 2 << 30


class TooSlowError(BaseException):
    """Reading took too long."""


def outcomes(
    path: Path, tree: str, branches: Sequence[str], *, num: int, seed: int
) -> Counter[str]:
    """Return the counts of outcomes of `num` damaged copies, and print those that are wrong."""
    rng, raw = random.Random(seed), path.read_bytes()
    right = values_of(path, tree, branches)
    others = digests(path, tree)
    kinds = list(damages(path, tree, branches))
    counts: Counter[str] = Counter()
    signal.signal(signal.SIGPROF, raise_too_slow)
    with TemporaryDirectory() as folder:
        copy = Path(folder, "damaged.root")
        for number in range(num):
            where, octets, damage = kinds[number % len(kinds)]
            damaged, what = bytearray(octets or raw), ""
            what = damage(damaged, rng)
            copy.write_bytes(damaged)
            outcome = outcome_of(copy, tree, right, others)
            counts[outcome.partition(":")[0]] += 1
            if outcome not in {"error", "right"}:
                say([number, where, what, outcome])
    return counts


def say(line: object) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def raise_too_slow(*_: object) -> None:
    raise TooSlowError


def outcome_of(path: Path, tree: str, right: dict[str, Any], others: dict[bytes, list[str]]) -> str:
    """Return "error", "right", or what is wrong about reading a damaged copy."""
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        values = values_of(path, tree, list(right))
    except MemmpyError:
        return "error"
    except TooSlowError:
        return "too slow"
    except Exception as error:  # noqa: BLE001 - any other error is what this looks for
        return f"{type(error).__name__}: {error}"[:300]
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    wrong = [name for name in right if digest(values[name]) != digest(right[name])]
    for name in wrong:
        if others.get(digest(values[name])):
            return f"another branch: {name} has the values of {others[digest(values[name])][0]}"
    for name in wrong:
        if not is_as_uproot(path, tree, name, values[name]):
            return f"other values: {name}"
    return f"as the file says: {wrong}" if wrong else "right"


def is_as_uproot(path: Path, tree: str, name: str, values: Any) -> bool:
    """Return whether uproot reads the same from a damaged copy: nothing shows the damage."""
    import awkward as ak

    ours = values.to_awkward() if isinstance(values, Jagged) else values
    try:
        with uproot.open(path) as file:
            theirs = file[tree][name].array(library="ak")
        return len(theirs) == len(ours) and bool(ak.array_equal(ours, theirs, equal_nan=True))
    except Exception:  # noqa: BLE001 - uproot raises many kinds
        return False


def values_of(path: Path, tree: str, branches: Sequence[str]) -> dict[str, Any]:
    with closing(TreeFile(ByteSource(str(path)), tree)) as file:
        for name in branches:
            file.type_of(name)
            file.sizes_of(name)
        file.boundaries(branches)
        file.index(branches)
        file.has_branch("no such branch")
        return dict(file.read(list(branches), 0, file.num_entries))


def digest(values: Any) -> bytes:
    """Return bytes that are equal for equal values."""
    if isinstance(values, Jagged):
        return digest(values.content) + np.asarray(values.offsets).tobytes()
    array = np.asarray(values)
    return f"{array.dtype} {array.shape}".encode() + array.tobytes()


def digests(path: Path, tree: str) -> dict[bytes, list[str]]:
    """Return the names of branches by the digests of their values, as far as there are several."""
    names: dict[bytes, list[str]] = {}
    with closing(TreeFile(ByteSource(str(path)), tree)) as file:
        for name in file.branches():
            try:
                [(_, values)] = file.read([name], 0, file.num_entries)
            except MemmpyError:
                continue
            if (
                isinstance(values, np.ndarray | Jagged)
                and len(set(np.ravel(flat(values)).tolist())) > 1
            ):
                names.setdefault(digest(values), []).append(name)
    return names


def flat(values: Any) -> Any:
    return values.content if isinstance(values, Jagged) else values


Damage = Callable[[bytearray, random.Random], str]


def damages(
    path: Path, tree: str, branches: Sequence[str]
) -> Iterator[tuple[str, bytes | None, Damage]]:
    """Yield kinds of damage: a name, the bytes of the file, and what damages a copy of them."""
    with uproot.open(path) as file:
        key, inner, raw = file.key(tree), file.file, path.read_bytes()
        lazy = LazyTree(key)
        data = bytes(lazy._chunk.raw_data)
        plain, origin = with_plain_tree(raw, key, data)
        classes, *bounds = with_plain_streamers(raw, inner)
        class_bytes = (bounds[0], bounds[1])
        header = (0, 100 + inner.fNbytesName + 60)
        keys = (file._fSeekKeys, file._fSeekKeys + file._fNbytesKeys)
        streamers = (inner.fSeekInfo, inner.fSeekInfo + inner._fNbytesInfo)
        record = (key.fSeekKey, key.fSeekKey + key.fNbytes)
        tree_bytes = (origin, origin + len(data))
        own = [
            (origin + lazy.records.place(index), origin + lazy.records.place(index + 1))
            for index in [lazy.records.index_of(name) for name in branches]
            if index is not None
        ]
    regions = {"header": header, "keys": keys, "streamers": streamers, "tree": record}
    for name, region in regions.items():
        yield f"flip in {name}", None, flip([region])
    for _ in range(2):
        yield "flip in plain streamers", classes, flip([class_bytes])
    for _ in range(8):
        yield "flip in own records", plain, flip(own)
    for _ in range(4):
        yield "flip in all records", plain, flip([tree_bytes])
    yield "overwrite in own records", plain, overwrite(own)
    yield "overwrite in file", None, overwrite([(0, len(raw))])
    yield "truncation", None, truncate


def with_plain_tree(raw: bytes, key: Any, data: bytes) -> tuple[bytes, int]:
    """Return a file with its tree appended without compression, and where its bytes begin.

    Checksums of compressed blocks would notice each damage.
    """
    out, start = with_record(raw, key.fSeekKey, key.fKeylen, data)
    size, layout = (8, ">q") if key.fVersion > 1000 else (4, ">i")
    old, seek = raw[key.fSeekKey : key.fSeekKey + 8], struct.pack(layout, key.fSeekKey)
    at = raw.index(old)  # the entry in the list of keys, not the key itself
    while at == key.fSeekKey or raw[at + 18 : at + 18 + size] != seek:
        at = raw.index(old, at + 1)
    out[at : at + 4] = struct.pack(">i", key.fKeylen + len(data))
    out[at + 18 : at + 18 + size] = struct.pack(layout, len(raw))
    return bytes(out), start


def with_plain_streamers(raw: bytes, file: Any) -> tuple[bytes, int, int]:
    """Return a file with its streamer info appended likewise, and where that begins and ends."""
    seek, (length,) = file.fSeekInfo, struct.unpack_from(">h", raw, file.fSeekInfo + 14)
    (size,) = struct.unpack_from(">i", raw, seek + 6)
    packed = memoryview(raw)[seek + length : seek + file._fNbytesInfo]
    data = bytes(packed) if len(packed) == size else decompress(packed, size).tobytes()
    out, start = with_record(raw, seek, length, data)
    where = struct.pack(">q", len(raw)) if file.is_64bit else struct.pack(">i", len(raw))
    place = 45 if file.is_64bit else 37
    out[place : place + len(where) + 4] = where + struct.pack(">i", length + len(data))
    return bytes(out), start, start + len(data)


def with_record(raw: bytes, seek: int, length: int, data: bytes) -> tuple[bytearray, int]:
    """Return a file with a copy of a key, of `length` bytes, and plain data at its end."""
    head = bytearray(raw[seek : seek + length])
    is_large = struct.unpack_from(">h", head, 4)[0] > 1000
    place = struct.pack(">q" if is_large else ">i", len(raw))
    head[:4], head[18 : 18 + len(place)] = struct.pack(">i", length + len(data)), place
    end = len(raw) + length + len(data)
    out = bytearray(raw)
    is_large = struct.unpack_from(">i", raw, 4)[0] >= 1000000
    out[12 : 20 if is_large else 16] = struct.pack(">q" if is_large else ">i", end)
    return out + head + data, len(raw) + length


def flip(regions: Sequence[tuple[int, int]]) -> Damage:
    def damage(octets: bytearray, rng: random.Random) -> str:
        start, stop = rng.choice(regions)
        place, bit = rng.randrange(start, stop), rng.randrange(8)
        octets[place] ^= 1 << bit
        return f"byte {place} ({place - start} of {stop - start}), bit {bit}"

    return damage


def overwrite(regions: Sequence[tuple[int, int]]) -> Damage:
    def damage(octets: bytearray, rng: random.Random) -> str:
        start, stop = rng.choice(regions)
        place, num = rng.randrange(start, stop), rng.choice([2, 4, 8, 16, 64])
        octets[place : place + num] = rng.choice([rng.randbytes(num), b"\xff" * num, bytes(num)])
        return f"{num} bytes from {place}"

    return damage


def truncate(octets: bytearray, rng: random.Random) -> str:
    del octets[rng.randrange(len(octets)) :]
    return f"{len(octets)} bytes left"


if __name__ == "__main__":
    _, file, tree_name, names, num_copies, start = sys.argv
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    counts = outcomes(Path(file), tree_name, names.split(","), num=int(num_copies), seed=int(start))
    say(counts)
