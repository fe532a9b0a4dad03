"""Opens pages of an RNTuple by their checksums, and lets uproot check what it reads.

uproot checks only header and footer, by `assert`, which ``python -O`` skips.
"""

from functools import partial
from typing import Any

import xxhash

from memmpy.sources.root.compression import PackedBytes, open_packed

__all__ = [
    "CHECKSUM",
    "DamagedPageError",
    "check_envelope",
    "check_page",
    "check_pages",
    "sizes_of_fields",
    "top_fields",
]

#: Bytes of a checksum: XXH3-64, little endian.
CHECKSUM = 8


class DamagedPageError(Exception):
    """The checksum or the size of a page is wrong."""


def check_pages(ntuple: Any) -> None:
    """Check the header and the lists of pages of an RNTuple, and later each page that uproot reads.

    Raises
    ------
    ValueError
        If the header, the footer or a list of pages is damaged.
    DamagedPageError
        Later, when uproot reads a damaged page. Names the field and the offset.
    """
    for name in ("header", "footer"):
        getattr(ntuple, f"_prepare_{name}_chunk")()
        check_envelope(memoryview(getattr(ntuple, f"_{name}_chunk").raw_data), f"the {name}")
    read_locator = ntuple.read_locator
    ntuple.read_locator = partial(_read_envelope, read_locator)
    _fill_parts(ntuple)
    for cluster in ntuple.page_link_list:
        for number, column in enumerate(cluster):
            for page in column.pages:
                page.locator.column = number
                page.locator.has_checksum = page.has_checksum
    ntuple.read_locator = partial(_read_page, ntuple)


def _fill_parts(ntuple: Any) -> None:
    """Give each field of uproot its parts, for which it would look through all fields."""
    fields, parts_of = ntuple.all_fields, ntuple._related_ids
    for field in reversed(fields):  # the parts of a field come after it
        parts = [fields[number] for number in parts_of.get(field.field_id, ())]
        nested = [part.fields if part.is_anonymous else [part] for part in parts]
        field._fields = [part for several in nested for part in several]


def top_fields(ntuple: Any) -> list[str]:
    """Return the top field of each field of an RNTuple."""
    records = ntuple.field_records
    tops = []
    for number in range(len(records)):
        top = number
        while records[top].parent_field_id != top:
            top = records[top].parent_field_id
        tops.append(records[top].field_name)
    return tops


def sizes_of_fields(ntuple: Any) -> dict[str, tuple[int, int]]:
    """Return the compressed and decompressed bytes of each top field, with nested fields."""
    tops = top_fields(ntuple)
    sizes = dict.fromkeys(tops, (0, 0))
    columns = ntuple.column_records
    for cluster in ntuple.page_link_list:
        for column, pages in zip(columns, cluster, strict=False):
            top = tops[column.field_id]
            packed = sum(page.locator.num_bytes for page in pages.pages)
            unpacked = sum(page.num_elements for page in pages.pages) * column.nbits // 8
            sizes[top] = (sizes[top][0] + packed, sizes[top][1] + unpacked)
    return sizes


def _read_envelope(read_locator: Any, locator: Any, size: int) -> Any:
    """Read a list of pages: see `_read_page`."""
    chunk, cursor = read_locator(locator, size)
    check_envelope(memoryview(chunk.raw_data), "the list of its pages")
    return chunk, cursor


def _read_page(ntuple: Any, locator: Any, size: int) -> Any:
    """Return a page of `size` decompressed bytes as uproot does: a chunk and a cursor."""
    from uproot.source.chunk import Chunk
    from uproot.source.cursor import Cursor

    source, has_checksum = ntuple.file.source, locator.has_checksum
    start, stop = locator.offset, locator.offset + locator.num_bytes
    octets = source.chunk(start, stop + CHECKSUM * has_checksum).raw_data
    try:
        page = check_page(memoryview(octets), size, has_checksum=has_checksum).unpack()
    except ValueError as error:
        field = top_fields(ntuple)[ntuple.column_records[locator.column].field_id]
        message = f"in branch {field!r}, page at byte {start}: {error}"
        raise DamagedPageError(message) from error
    return Chunk.wrap(source, page), Cursor(0)


def check_page(raw: memoryview, size: int, *, has_checksum: bool) -> PackedBytes:
    """Return a page without its checksum, after a look at it and at the sizes.

    Parameters
    ----------
    raw : memoryview
        The page in the file, with its checksum if it has one.
    size : int
        Its bytes after decompression.

    Raises
    ------
    ValueError
        If it is damaged.
    """
    if has_checksum:
        check_envelope(raw, "the page")
        raw = raw[:-CHECKSUM]
    if len(raw) > size:
        raise ValueError(f"it has {len(raw)} bytes, not the {size} expected")
    return open_packed(raw, size)


def check_envelope(octets: memoryview, name: str) -> None:
    """Compare the checksum in the last bytes with the bytes before.

    Raises
    ------
    ValueError
        If they differ. Names what the bytes are.
    """
    checksum = xxhash.xxh3_64_intdigest(octets[:-CHECKSUM])
    if checksum != int.from_bytes(octets[-CHECKSUM:], "little"):
        raise ValueError(f"{name} has another checksum than its bytes")
