"""`to_torch`: the batches of a loader as PyTorch tensors."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, NoReturn, final, get_args

from memmpy.checks import check_choice, check_flag, check_key, check_mapping, nearest_choice
from memmpy.errors import MissingKeyError, OptionError, argument_hints, nearest
from memmpy.frameworks.framework_loader import FrameworkLoader, check_loader
from memmpy.frameworks.gpu import ResidentLoader, check_device, copies_to, require_torch
from memmpy.frameworks.torch_tensors import JaggedForm, TensorFormat, nest_lists
from memmpy.splits import SkimLike, SplitLoader
from memmpy.typing import Batch

if TYPE_CHECKING:
    import torch

    from memmpy.frameworks.torch_datasets import BatchDataset, EntryDataset

__all__ = ["TorchLoader", "to_torch"]


@argument_hints
@final
class TorchLoader(FrameworkLoader[dict[str, Any]]):
    """The batches of a loader as PyTorch tensors; `to_torch` makes it.

    It is an iterable with a length, and no `DataLoader` is needed around it: the threads of the
    loader gather batches ahead. It has `epoch`, `set_epoch`, `state_dict` and `load_state_dict`,
    as the loader has, and counts the batches that it handed out itself.

    Attributes
    ----------
    device : torch.device
        Where the tensors are.
    """

    def __init__(
        self,
        loader: SplitLoader,
        tensor_format: TensorFormat,
        device: "torch.device",
        *,
        resident: bool,
    ) -> None:
        super().__init__(loader)
        self.device = device
        self._format, self._resident = tensor_format, None
        if resident:
            self._resident = ResidentLoader(loader, device, tensors_of=tensor_format.tensors)

    def __getitem__(self, index: object) -> NoReturn:
        """Raise an error: a `DataLoader` of torch asks for items by their numbers."""
        message = "to_torch needs no DataLoader around it: iterate over it; or give "
        way_out = "DataLoader(to_torch(loader).batch_dataset(), batch_size=None)"
        raise OptionError(message + way_out)

    def __getstate__(self) -> dict[str, Any]:
        if self._resident is None:
            return super().__getstate__()
        message = "a loader with resident=True keeps its events on this device: send the loader of "
        raise OptionError(f"{message}memmpy, and call to_torch in the other process")

    def batches(self, epoch: int, *, position: int = 0) -> Generator[dict[str, Any], None, None]:
        """Iterate over the batches of a given epoch; see `SplitLoader.batches`."""
        if self._resident is not None:
            return self._resident.batches(epoch, position=position)
        return super().batches(epoch, position=position)

    def convert(self, batches: Iterator[Batch]) -> Iterator[dict[str, Any]]:
        """Yield batches as tensors, on the device."""
        tensors = map(self._format.tensors, batches)
        if self.device.type == "cpu" and self._format.jagged != "nested":
            return tensors
        return self._on_device(tensors)

    def batch_dataset(self) -> "BatchDataset":
        """Return the batches for ``DataLoader(dataset, batch_size=None, num_workers=...)``.

        Its first pass begins where this object is. The data set has its own epochs, and a
        ``set_epoch``. Workers that do not share memory with this process by a fork need a skim, as
        a training set has it.

        Returns
        -------
        torch.utils.data.IterableDataset
            Each batch is handed out by one worker, in the order of the loader. A pass that hands
            out all batches leads to the next epoch.

        Raises
        ------
        OptionError
            If the tensors are on a device, or nested: neither passes from a worker.
        """
        self._check_sendable("batch_dataset")
        from memmpy.frameworks.torch_datasets import BatchDataset

        return BatchDataset(self.loader, self._format, self.state_dict())

    def entry_dataset(self) -> "EntryDataset":
        """Return the entries by number for ``DataLoader(dataset, batch_size=1024, shuffle=True)``.

        Give the `DataLoader` ``collate_fn=dataset.collate``, too. It shuffles in an order of its
        own, which takes random reads: `batch_dataset` is faster.

        Returns
        -------
        torch.utils.data.Dataset
            ``dataset[5]`` is an entry of the split, which is not shuffled, and
            ``dataset[[5, 7]]`` a batch.

        Raises
        ------
        OptionError
            If the tensors are on a device, or nested: neither passes from a worker.
        """
        self._check_sendable("entry_dataset")
        from memmpy.frameworks.torch_datasets import EntryDataset

        return EntryDataset(self.loader, self._format)

    def _check_sendable(self, name: str) -> None:
        """Raise an `OptionError` if workers could not send the tensors."""
        if self.device.type != "cpu":
            message = f"{name}() needs device='cpu': the training moves what workers load"
            raise OptionError(f"{message}, got device={str(self.device)!r}")
        if self._format.jagged == "nested":
            message = f"{name}() takes no jagged='nested': such tensors do not pass from workers"
            raise OptionError(f"{message}; make them of the values and cu_seqlens of 'flat'")

    def _on_device(
        self, batches: Iterator[dict[str, Any]]
    ) -> Generator[dict[str, Any], None, None]:
        with closing(_copies(batches, self.device)) as copies:
            for batch in copies:
                yield nest_lists(batch)


@argument_hints
def to_torch(
    loader: SplitLoader,
    device: "str | torch.device | None" = None,
    dtype: "str | torch.dtype | None" = None,
    *,
    jagged: JaggedForm = "flat",
    packed: Mapping[str, Sequence[str]] | None = None,
    resident: bool = False,
) -> TorchLoader:
    """Return the batches of a loader as dicts of PyTorch tensors.

    Parameters
    ----------
    loader : SplitLoader
        The loader, such as ``data.loader("train")``.
    device : str or torch.device, optional
        Where the tensors are: ``"cpu"``, the default, ``"cuda"``, ``"cuda:1"`` or ``"mps"``. On
        MPS, which has no float64, such values are float32.
    dtype : str or torch.dtype, optional
        The dtype of floating inputs, such as ``"bfloat16"``; that of the data by default. Other
        keys of a training set keep theirs: weights and spectators. Without a training set, all
        floating keys have this dtype.
    jagged : {"flat", "nested", "pyg"}, default "flat"
        How lists arrive: as ``(values, cu_seqlens, max_seqlen)``, see `JaggedTensor`, which
        variable-length attention takes; as a `torch.nested` tensor with the layout
        ``torch.jagged``; or as ``(values, batch, ptr)`` of PyTorch Geometric.
    packed : mapping of str to sequence of str, optional
        Inputs of several collections of objects that arrive as one sequence, event by event:
        ``{"objects": ["jets", "electrons"]}``. See `PackedTensor`. The sequence replaces its
        inputs and their masks. Padded inputs are packed without padding, and an input without
        objects is one object per event. Objects with fewer numbers than others end with 0.
    resident : bool, default False
        Copy all entries of the split to the device now, and gather the batches there. The fastest
        way if they fit into its memory.

    Returns
    -------
    TorchLoader
        An iterable of dicts. On the CPU, tensors share the memory of the batches of the loader:
        you may write to them. Numbers keep their dtype: masks are bool, and uint64 is
        ``torch.uint64``.

    Raises
    ------
    OptionError
        If this is no loader, no dtype, or if there is no such device here; if `resident` entries do
        not fit into its memory.
    MissingKeyError
        If batches lack a key of `packed`.
    MissingPackageError
        If PyTorch is not installed.
    ColumnError
        When iterating: if a key holds text, or something else that is no tensor.

    Examples
    --------
    >>> for batch in memmpy.to_torch(data.loader("train", batch_size=1024)):
    ...     loss = criterion(model(batch["event"]), batch["label"])
    """
    loader = check_loader(loader, "to_torch")
    torch = require_torch()
    check_choice("jagged", jagged, get_args(JaggedForm))
    if check_flag("resident", resident) and jagged != "flat":
        raise OptionError(f"resident=True takes jagged='flat', got {jagged!r}")
    skim = loader.split_data.data
    tensor_format = TensorFormat(
        torch.from_numpy,
        jagged=jagged,
        packed=_check_packed(packed, loader),
        dtype=None if dtype is None else _check_dtype(dtype, torch),
        cast_keys=loader.inputs or None,
        is_plain=isinstance(skim, SkimLike) and not (skim.lists or packed or dtype),
    )
    checked = _check_device("cpu" if device is None else device, torch)
    return TorchLoader(loader, tensor_format, checked, resident=resident)


def _copies(batches: Iterator[dict[str, Any]], device: "torch.device") -> Any:
    """Return the batches on a device: the one place that copies."""
    if device.type == "cuda":
        return copies_to(batches, device)
    return ({key: _move(values, device) for key, values in batch.items()} for batch in batches)


def _move(values: Any, device: "torch.device") -> Any:
    """Return tensors of a batch on a device; those of a tuple too."""
    if isinstance(values, tuple):
        return type(values)(*(_move(one, device) for one in values))
    if isinstance(values, int):
        return values
    if device.type == "mps" and values.is_floating_point() and values.itemsize > 4:
        values = values.float()  # it has no float64
    return values.to(device)


def _check_packed(packed: Any, loader: SplitLoader) -> dict[str, tuple[str, ...]]:
    checked: dict[str, tuple[str, ...]] = {}
    names: dict[str, str] = {}
    keys_of_batch = loader.spec.keys
    for name, keys in check_mapping("packed", packed).items():
        if isinstance(keys, str) or not isinstance(keys, Sequence) or not keys:
            message = f"packed[{name!r}] must be a list of inputs, such as ['jets', 'electrons']"
            raise OptionError(f"{message}, got {keys!r}")
        for key in keys:
            if key not in keys_of_batch:
                message = f"no key {key!r} in the batches, for packed[{name!r}]"
                raise MissingKeyError(f"{message}{nearest(str(key), keys_of_batch)}", str(key))
            if key in names:
                raise OptionError(f"packed has {key!r} twice, in {names[key]!r} and {name!r}")
            names[key] = name
        checked[check_key(name, name="a name in packed")] = tuple(keys)
    for name in checked:
        if name in keys_of_batch and name not in names:
            raise OptionError(f"packed[{name!r}] has the name of another key: give it another name")
    return checked


def _check_dtype(dtype: Any, torch: Any) -> "torch.dtype":
    name = dtype.removeprefix("torch.") if isinstance(dtype, str) else None
    given = dtype if name is None else getattr(torch, name, None)
    if isinstance(given, torch.dtype) and given.is_floating_point:
        return given
    message = "dtype must be a floating dtype, such as 'float32', 'bfloat16' or torch.float16"
    near = nearest_choice(name, ("bfloat16", "float16", "float32", "float64"))
    raise OptionError(f"{message}, got {dtype!r}{near}")


def _check_device(device: Any, torch: Any) -> "torch.device":
    """Return a device of any kind that works here."""
    with suppress(RuntimeError, TypeError):  # no device at all
        given = torch.device(device)
        if given.type not in {"cpu", "cuda"}:
            return _check_other_device(given, torch)
    return check_device(device)


def _check_other_device(device: "torch.device", torch: Any) -> "torch.device":
    try:
        torch.empty(1, device=device).cpu()
    except (RuntimeError, NotImplementedError, AssertionError):
        message = f"PyTorch {torch.__version__} cannot use device={str(device)!r} here"
        raise OptionError(f"{message}; give device='cpu'") from None
    return device
