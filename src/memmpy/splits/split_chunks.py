"""Turns the specification of a `SplitLoader` into chunks of columns, or of the rows of a skim."""

from dataclasses import replace

from memmpy.kernels import BYTES_MOVED, is_worth_compiling
from memmpy.loaders import (
    EpochChunks,
    RowGatherer,
    check_data,
    choose_shuffle,
    chunks_of_columns,
    os_page_cache,
    warning_of_blocks,
)
from memmpy.splits.split_data import LoaderSpec, SkimLike

__all__ = ["chunks_of", "notes_of"]


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
        ranks=spec.ranks,
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
        gatherer, shuffle, num_threads=options.num_threads, ranks=spec.ranks, mixture=mixture
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
    if chunks.repeats and not spec.weight_keys:
        notes.append(
            f"the last batch has fewer entries than the {options.world_size} ranks: rank "
            f"{options.rank} repeats one, with '_index' -1; drop_last=True leaves this batch out"
        )
    return notes
