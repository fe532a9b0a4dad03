"""Turns the specification of a `SplitLoader` into chunks of columns or rows, and into batches."""

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace

from memmpy.display import quiet
from memmpy.kernels import BYTES_MOVED, is_worth_compiling
from memmpy.loaders import (
    EpochChunks,
    RowGatherer,
    check_data,
    choose_shuffle,
    chunks_of_columns,
    load_batches,
    os_page_cache,
    warning_of_blocks,
)
from memmpy.order import num_batches
from memmpy.splits.split_data import LoaderSpec, SkimLike
from memmpy.typing import Batch

__all__ = ["batches_of_split", "chunks_of", "notes_of"]


def chunks_of(spec: LoaderSpec) -> EpochChunks:
    """Return columns, or the rows of a skim, in chunks."""
    split_data, options = spec.split_data, spec.options
    if isinstance(split_data.data, SkimLike):
        return _row_chunks(split_data.data, spec)
    columns, num_entries = check_data(split_data.data)
    is_shuffled = options.shuffle.kind is not False
    members = split_data.members(num_entries, ascending=not is_shuffled)
    return chunks_of_columns(
        columns,
        members,
        is_shuffled=is_shuffled,
        num_threads=options.num_threads,
        ranks=options.ranks,
    )


def _row_chunks(skim: SkimLike, spec: LoaderSpec) -> EpochChunks:
    split_data, options, sampling = spec.split_data, spec.options, spec.sampling
    ranges = split_data.rows(skim)
    lists = sum(content.nbytes + offsets.nbytes for content, offsets in skim.lists.values())
    num_bytes = skim.rows.nbytes + lists
    shuffle = choose_shuffle(
        options.shuffle,
        num_rows=len(skim.rows),
        row_bytes=num_bytes / max(1, len(skim.rows)),
        multiplicities=skim.multiplicities,
    )
    mixture = None
    if sampling is not None:
        labels = skim.rows[sampling.key]
        mixture = sampling.mixture(labels, ranges, options, where=str(split_data))
        shuffle = replace(shuffle, why=f"{shuffle.why}; classes in shares: {sampling}")
    # To find the members of classes takes NumPy eight times as long as to gather rows.
    least = BYTES_MOVED if mixture is None else BYTES_MOVED // 8
    compiled = is_worth_compiling(num_bytes, least=least)
    gatherer = RowGatherer(
        skim,
        ranges,
        num_threads=options.num_threads,
        compiled=compiled,
        page_cache=os_page_cache(compiled=compiled),
        transform=spec.transform,
    )
    return EpochChunks(
        gatherer, shuffle, num_threads=options.num_threads, ranks=options.ranks, mixture=mixture
    )


def notes_of(spec: LoaderSpec, chunks: EpochChunks) -> list[str]:
    """Return what a user should know of a loader, as texts of warnings."""
    data, options, notes = spec.split_data.data, spec.options, []
    if isinstance(data, SkimLike) and options.shuffle.kind == "blocks":
        note = warning_of_blocks(
            chunks.shuffle,
            data.multiplicities(),
            num_rows=len(chunks),
            row_bytes=chunks.gatherer.entry_bytes,
            batch_size=options.batch_size,
        )
        notes += [] if note is None else [note]
    if chunks.repeats() and not spec.weight_keys:
        notes.append(
            f"the last batch has fewer entries than the {options.world_size} ranks: rank "
            f"{options.rank} repeats one, with '_index' -1; drop_last=True leaves this batch out"
        )
    return notes


def batches_of_split(
    spec: LoaderSpec, chunks: EpochChunks, *, seed: int, epoch: int, position: int
) -> Generator[Batch, None, None]:
    """Return the batches of an epoch, from a position on, where a batch begins."""
    options = spec.options
    batches = load_batches(
        chunks,
        seed=seed,
        epoch=epoch,
        batch_size=options.batch_size,
        drop_last=options.drop_last,
        num_threads=options.num_threads,
        position=position,
    )
    if chunks.repeats():
        num = num_batches(len(chunks), options.batch_size, drop_last=options.drop_last)
        num -= position // options.batch_size
        batches = _mark_last(batches, num, weight_keys=spec.weight_keys)
    return _quietly_at_first(batches) if spec.is_quiet else batches


def _mark_last(
    batches: Generator[Batch, None, None], num: int, *, weight_keys: Sequence[str]
) -> Generator[Batch, None, None]:
    """Yield `num` batches; mark the last one, an entry that another rank has, too."""
    with closing(batches):
        for number, batch in enumerate(batches, start=1):
            if number == num:
                batch["_index"][:] = -1
                for key in weight_keys:
                    batch[key][:] = 0
            yield batch


def _quietly_at_first(batches: Generator[Batch, None, None]) -> Generator[Batch, None, None]:
    """Yield batches. Write nothing about kernels, which the first batch compiles."""
    with closing(batches):
        with quiet():
            first = next(batches, None)
        if first is not None:
            yield first
            yield from batches
