"""What others make of shuffled batches, each in its best documented configuration.

usage: python benchmarks/loading/peers.py NAME JOB_JSON

`compare.py` runs this with a Python that has the package. See `protocol.py` for what is measured.
"""

from collections.abc import Mapping

from from_root import open_root, open_root_eager, open_uproot, open_weaver, open_weaver_default
from gathering import (
    open_datasets,
    open_datasets_buffer,
    open_datasets_flattened,
    open_grain,
    open_hdf5_batches,
    open_lance,
    open_lance_batches,
    open_memmap,
    open_memmpy_old,
    open_tensordict,
    open_torch,
    open_torch_by_event,
    open_torch_tensors,
)
from joining import open_litdata, open_streaming, open_streaming_py1e, open_webdataset
from protocol import Contestant, main
from stores import WRITERS

ALL = [
    Contestant(
        "memmap by hand",
        "memmpy",
        open_memmap,
        (),
        "np.memmap a column, a permutation of all events, fancy indexing",
    ),
    Contestant(
        "memmpy 0.1.2",
        "memmpy_old",
        open_memmpy_old,
        ("memmpy",),
        "load_memmaps, SplitLoader(shuffle=True, fractions=(1.0,))",
        store="memmpy_old",
        kinds=("flat", "padded"),
    ),
    Contestant(
        "torch",
        "torch",
        open_torch,
        ("torch.utils.data",),
        "DataLoader(sampler=BatchSampler(RandomSampler), batch_size=None) over memory maps, which "
        "leaves the arrays as they are",
        num_workers=(0, 2),
    ),
    Contestant(
        "torch tensors",
        "torch",
        open_torch_tensors,
        ("torch.utils.data",),
        "the same, with the conversion to tensors that is its default",
        num_workers=(0, 2),
    ),
    Contestant(
        "torch by event",
        "torch",
        open_torch_by_event,
        ("torch.utils.data",),
        "DataLoader(shuffle=True) over memory maps, event by event",
        kinds=("flat", "padded"),
        num_workers=(0, 2),
    ),
    Contestant(
        "datasets",
        "datasets",
        open_datasets,
        ("datasets",),
        'with_format("arrow"), shuffle(seed), iter(batch_size)',
        store="datasets",
    ),
    Contestant(
        "datasets flattened",
        "datasets",
        open_datasets_flattened,
        ("datasets",),
        'with_format("arrow"), shuffle(seed).flatten_indices() each epoch, iter(batch_size)',
        store="datasets",
    ),
    Contestant(
        "datasets buffer",
        "datasets",
        open_datasets_buffer,
        ("datasets",),
        "to_iterable_dataset(64), shuffle(buffer_size=10 batches), iter(batch_size)",
        store="datasets",
        shuffles="shards, and events within a buffer of 10 batches",
    ),
    Contestant(
        "lance",
        "lance",
        open_lance,
        ("lance",),
        "take of the rows of 64 batches of a permutation, cut into batches",
        store="lance",
    ),
    Contestant(
        "lance batches",
        "lance",
        open_lance_batches,
        ("lance", "lance.torch.data"),
        "LanceDataset with ShardedBatchSampler(randomize=True), to arrays",
        store="lance",
        shuffles="the order of batches",
    ),
    Contestant(
        "tensordict",
        "torch",
        open_tensordict,
        ("tensordict",),
        "TensorDict.load_memmap, indexed with parts of torch.randperm",
        store="tensordict",
        kinds=("flat", "padded"),
    ),
    Contestant(
        "h5py batches",
        "torch",
        open_hdf5_batches,
        ("h5py",),
        "slices of contiguous datasets, in shuffled order",
        store="hdf5",
        shuffles="the order of batches",
    ),
    Contestant(
        "grain",
        "grain",
        open_grain,
        ("grain",),
        "MapDataset.range.shuffle.batch(batch_fn=fancy indexing of memory maps)",
        num_workers=(0, 2),
    ),
    Contestant(
        "litdata",
        "litdata",
        open_litdata,
        ("litdata",),
        "StreamingDataset(shuffle=True, item_shuffle_window='full', batch_decode='all') of local "
        "chunks of 64 MB, StreamingDataLoader",
        store="litdata",
        num_workers=(0, 2),
        shuffles="chunks, and events within each",
    ),
    Contestant(
        "streaming naive",
        "streaming",
        open_streaming,
        ("without_torchvision", "streaming"),
        "StreamingDataset(shuffle_algo='naive') of local shards of 64 MB, DataLoader",
        store="streaming",
        num_workers=(0, 2),
    ),
    Contestant(
        "streaming py1e",
        "streaming",
        open_streaming_py1e,
        ("without_torchvision", "streaming"),
        "StreamingDataset(shuffle=True) of local shards of 64 MB, DataLoader",
        store="streaming",
        num_workers=(2,),
        shuffles="within ranges of at least 262144 events",
    ),
    Contestant(
        "webdataset",
        "torch",
        open_webdataset,
        ("webdataset",),
        "WebDataset(shardshuffle).shuffle(10 batches).batched of shards of 64 MB, WebLoader",
        store="webdataset",
        num_workers=(0, 2),
        shuffles="shards, and events within a buffer of 10 batches",
    ),
    Contestant(
        "RDataLoader",
        "root",
        open_root,
        ("ROOT",),
        "RDataLoader(shuffle=True, drop_remainder=False).as_numpy()",
        store="root",
        shuffles="clusters, and events within a buffer of 10 batches",
    ),
    Contestant(
        "RDataLoader eager",
        "root",
        open_root_eager,
        ("ROOT",),
        "RDataLoader(shuffle=True, drop_remainder=False, load_eager=True).as_numpy()",
        store="root",
    ),
    Contestant(
        "weaver",
        "weaver",
        open_weaver,
        ("weaver.utils.dataset",),
        "SimpleIterDataset(fetch_step=1), DataLoader",
        store="root",
        num_workers=(0, 1),
    ),
    Contestant(
        "weaver 1%",
        "weaver",
        open_weaver_default,
        ("weaver.utils.dataset",),
        "SimpleIterDataset(fetch_step=0.01), the default, of one file a class, DataLoader",
        store="root",
        num_workers=(0, 1),
        shuffles="within a hundredth of each file",
    ),
    Contestant(
        "uproot.iterate",
        "memmpy",
        open_uproot,
        ("uproot",),
        'uproot.iterate(step_size="100 MB"), cut into batches',
        store="root",
        shuffles="nothing",
    ),
]
PEERS: Mapping[str, Contestant] = {contestant.name: contestant for contestant in ALL}
#: What does not take part, of which data, and why.
NOT_COMPARED: Mapping[str, str] = {
    "memmpy 0.1.2, jagged": "SplitLoader refuses the lists that ReadJagged returns: "
    "TypeCheckError: value of key 'jet_e' of the yielded value (dict) did not match any element in "
    "the union",
    "torch by event, jagged": "default_collate: RuntimeError: stack expects each tensor to be "
    "equal size, but got [2] at entry 0 and [3] at entry 1",
    "tensordict, jagged": "memmap_ takes nested tensors of strided layout only "
    "(NotImplementedError: memmap does not support nested tensors with the torch.jagged layout), "
    "and those cannot be indexed (NotImplementedError: Could not run 'aten::index.Tensor' with "
    "arguments from the 'NestedTensorCPU' backend)",
    "weaver, 2 workers": "it gives each worker files of its own, and here is one file a class: "
    "AssertionError",
}

if __name__ == "__main__":
    main(PEERS, WRITERS)
