"""Files with branches of all kinds that uproot can write, in many small baskets, and their store.

What a store holds is compared byte by byte: by key and role, the file that the metadata names.
"""

from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot

from memmpy import RFileConfig, Work
from memmpy.store import METADATA, Metadata, read_metadata, verify_columns
from tests.conversion.counting import url_of

#: Entries of a basket or cluster, and how many of them each file has; one file is empty.
STEP = 40
STEPS = {"a": 9, "empty": 0, "b": 12, "c": 7}

TREE_KEYS = {"number", "is_good", "huge", "weight", "matrix", "jets", "twice", "heavy"}
TUPLE_KEYS = {"number", "huge", "pt", "name", "nested", "words"}


def arguments_of(kind: str, folder: Path) -> tuple[list[RFileConfig], dict[str, Any]]:
    """Return the files and the other arguments of a conversion, with many small tasks.

    The kind is ``tree``, ``tuple``, or ``urls``, which are trees behind a filesystem that counts.
    """
    is_urls = kind == "urls"
    paths = [folder / f"{'tree' if is_urls else kind}_{name}.root" for name in STEPS]
    files = [
        RFileConfig(url_of(path) if is_urls else path, "tree", {"process": name, "year": "x"})
        for name, path in zip(STEPS, paths, strict=True)
    ]
    if kind != "tuple":
        return files, {
            "keys": TREE_KEYS,
            "keys_padded": {"padded": (2, -1.0)},
            "aliases": {"twice": "weight + number * huge", "heavy": "jets", "padded": "jets"},
            "work": Work(step_bytes=3000),
        }
    return files, {"keys": TUPLE_KEYS, "dtype": {"number": "int32"}, "work": Work(step_bytes=3000)}


def options_with(executor: Executor | None, options: dict[str, Any]) -> dict[str, Any]:
    """Return the other arguments of a conversion by an executor."""
    return {**options, "work": replace(options["work"], executor=executor)}


def write_files(folder: Path) -> None:
    """Write the files of both kinds: a TTree and an RNTuple of each name."""
    first = 0
    for name, num_steps in STEPS.items():
        starts = [first + STEP * i for i in range(num_steps)]
        first += STEP * num_steps
        for kind, make in (("tree", of_tree), ("tuple", of_tuple)):
            write_file(folder / f"{kind}_{name}.root", kind, [make(at, STEP) for at in starts])


def write_file(path: Path, kind: str, steps: list[dict[str, Any]]) -> None:
    """Write one file, each step in baskets or clusters of its own."""
    with uproot.recreate(path) as file:
        if kind == "tree":
            types = {key: _type(values) for key, values in of_tree(0, 2).items()}
            written = file.mktree("tree", types)
        else:
            written = file.mkrntuple("tree", ak.Array(of_tuple(0, 3)).layout.form)
        for step in steps:
            written.extend(step if kind == "tree" else ak.Array(step))


def of_tree(first: int, num: int) -> dict[str, Any]:
    """Return events that tell their number in each branch."""
    number = np.arange(first, first + num)
    counts = number % 4
    content = np.repeat(number, counts) + 0.25
    return {
        "number": number.astype(np.int32),
        "is_good": number % 3 == 0,
        "huge": number.astype(np.uint64) + np.uint64((1 << 63) + 1),
        "weight": number / 3,
        "matrix": (number[:, None, None] * 7 + np.arange(6).reshape(2, 3)).astype(np.int16),
        "jets": ak.unflatten(content.astype(np.float32), counts),
    }


def of_tuple(first: int, num: int) -> dict[str, Any]:
    """Return the same with types that only an RNTuple can be given."""
    number = np.arange(first, first + num)
    pt = ak.unflatten((np.repeat(number, number % 3) / 2).astype(np.float32), number % 3)
    return {
        "number": number,
        "huge": number.astype(np.uint64) + np.uint64((1 << 63) + 1),
        "pt": pt,
        "name": ["ä" * (i % 3) + str(i) if i % 5 else "" for i in number.tolist()],
        "nested": ak.values_astype(
            ak.Array([[[i + k] * (k % 3) for k in range(i % 4)] for i in number.tolist()]),
            np.float32,
        ),
        "words": ak.Array([["w" * k for k in range(i % 3)] + ["x"] for i in number.tolist()]),
    }


def _type(values: Any) -> Any:
    if isinstance(values, np.ndarray):
        return np.dtype((values.dtype, values.shape[1:]))
    return values.type


def contents(store: Path) -> dict[str, tuple[bytes, str | None]]:
    """Return the bytes and the checksum of each array of a store, by key and role."""
    return {
        f"{key}:{role}": ((store / array.file).read_bytes(), array.checksum)
        for key, column in read_metadata(store).columns.items()
        for role, array in column.arrays.items()
    }


def files_of(metadata: Metadata) -> set[str]:
    """Return the names of the files of all arrays."""
    return {a.file for column in metadata.columns.values() for a in column.arrays.values()}


def check_clean(store: Path) -> None:
    """Check that a store is whole, and that nothing lies in it but what it names."""
    assert verify_columns(store) == []
    names = {file.name for file in store.iterdir()}
    expected = files_of(read_metadata(store)) | {METADATA, "lock"}
    assert names == expected, names ^ expected
