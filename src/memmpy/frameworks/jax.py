"""`to_jax`: the batches of a loader as dicts of jax arrays, all of one shape."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, final

import numpy as np

from memmpy.errors import ColumnError, LoaderWarning, OptionError, require, warn_of
from memmpy.frameworks.framework_loader import FrameworkLoader, check_loader, refuse_lists
from memmpy.jagged import mask_of
from memmpy.splits import SplitLoader
from memmpy.typing import Array, Batch

if TYPE_CHECKING:
    import jax

    Target: TypeAlias = jax.Device | jax.sharding.Sharding | None

__all__ = ["JaxIterator", "JaxLoader", "to_jax"]

#: Whether each row of a batch is an event.
VALID = "_valid"
#: The dtype that a key has on the device; None if it stays on the host.
_Dtypes: TypeAlias = dict[str, np.dtype[Any] | None]
#: Entries of a store that int32 can number.
_MAX_INT32 = 2**31
#: What JAX would cut to 32 bits, unless a user enables 64 bits.
_WIDE = frozenset(map(np.dtype, (np.int64, np.uint64, np.float64, np.complex128)))


def to_jax(
    loader: SplitLoader, device: "jax.Device | jax.sharding.Sharding | str | None" = None
) -> "JaxLoader":
    """Return the batches of a loader as dicts of jax arrays.

    All batches have ``batch_size`` rows, so a jitted function compiles once. While your code uses
    one batch, the next one is copied to the device.

    Parameters
    ----------
    loader : SplitLoader
        The loader.
    device : jax.Device, jax.sharding.Sharding or str, optional
        The device, or its platform, such as ``"gpu"``; by default that of JAX. A sharding splits
        the first axis of each batch over several devices. If these belong to several processes, the
        loader of each needs its own `rank`.

    Returns
    -------
    JaxLoader
        An iterable with `len()`, `epoch`, `set_epoch`, `state_dict` and `load_state_dict`, which
        are those of `SplitLoader`. Its iterators have `get_state` and `set_state`, as in grain.

    Raises
    ------
    OptionError
        If the device does not exist, or the sharding cannot split a batch.
    ColumnError
        If the loader has lists, or values that JAX has no dtype for.
    MissingPackageError
        If JAX is not installed.

    Warns
    -----
    LoaderWarning
        If integers of 64 bits, such as event numbers, stay on the host.

    Notes
    -----
    The bool array ``"_valid"`` tells which rows are events. Rows that only fill the last batch have
    the ``"_index"`` -1. Their inputs repeat the first event of the batch, so that a loss that is
    finite for events is finite there, too. All other values are 0, so their weight is 0.
    ``drop_last=True`` of the loader leaves a short last batch out.

    JAX has no 64 bits by default. ``"label"`` becomes int32. So does ``"_index"``, if the store has
    fewer than 2**31 entries. All other keys of 64 bits stay NumPy arrays on the host, with all
    bits: ``"weight_physics"`` and event numbers. After
    ``jax.config.update("jax_enable_x64", True)``, all keys are on the device, as they are.

    Examples
    --------
    >>> for batch in memmpy.to_jax(data.loader("train", batch_size=1024)):
    ...     batch["jets"], batch["label"], batch["weight"], batch["_valid"]
    """
    loader = check_loader(loader, "to_jax")
    jax = require("jax", what="to_jax", extra="jax")
    batches = JaxLoader(loader, _target_of(jax, device, loader))
    if loader.split_size:
        batches.check(loader.take([0]))
    return batches


@final
class JaxLoader(FrameworkLoader[Batch]):
    """The batches of a loader as dicts of jax arrays; see `to_jax`.

    Parameters
    ----------
    loader : SplitLoader
        The loader.
    target : jax.Device, jax.sharding.Sharding or None
        Where the arrays go; None for the default device.
    """

    def __init__(self, loader: SplitLoader, target: "Target") -> None:
        super().__init__(loader)
        self._target = target
        self._inputs = {*loader.inputs, *map(mask_of, loader.inputs)}

    def __iter__(self) -> "JaxIterator":
        return JaxIterator(self)

    def new_pass(self) -> Iterator[Batch]:
        """Return the batches from the place of the loader on."""
        return super().__iter__()

    def check(self, batch: Batch) -> None:
        """Raise an error if JAX cannot take a batch of the loader; warn of what stays behind."""
        dtypes = self._dtypes_of(batch)
        stay = [key for key, dtype in dtypes.items() if dtype is None]
        integers = [key for key in stay if batch[key].dtype.kind in "iu"]
        if integers:
            keys = ", ".join(map(repr, integers))
            message = (
                f"64-bit integers stay on the host as NumPy arrays: {keys}; a jitted function "
                "would cut them to 32 bits, so use them outside of it, or call "
                "jax.config.update('jax_enable_x64', True) first"
            )
            warn_of([message], LoaderWarning)

    def convert(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """Yield each batch on the device; copy the next one there meanwhile."""
        dtypes: _Dtypes | None = None
        ahead: Batch | None = None
        for batch in batches:
            dtypes = dtypes or self._dtypes_of(batch)
            current, ahead = ahead, self._put(self._whole(batch, dtypes), dtypes)
            if current is not None:
                yield current
        if ahead is not None:
            yield ahead

    def _dtypes_of(self, batch: Batch) -> _Dtypes:
        import jax

        if VALID in batch:
            message = f"the loader has a key {VALID!r}, which to_jax uses for the mask of events"
            raise OptionError(f"{message}: give it another name")
        for key, values in batch.items():
            refuse_lists(key, values, package="JAX")
            if not isinstance(values, np.ndarray) or not _is_known(values.dtype):
                kind = getattr(values, "dtype", type(values).__name__)
                raise ColumnError(f"JAX has no dtype for {key!r} ({kind}): leave the key out")
        if jax.config.jax_enable_x64:
            return {key: values.dtype.newbyteorder("=") for key, values in batch.items()}
        exact = {"label"} | ({"_index"} if self._num_store_entries < _MAX_INT32 else set())
        dtypes: _Dtypes = {}
        for key, values in batch.items():
            dtype = values.dtype.newbyteorder("=")
            small = np.dtype(np.int32) if key in exact and dtype.kind in "iu" else None
            dtypes[key] = small if dtype in _WIDE else dtype
        return dtypes

    @property
    def _num_store_entries(self) -> int:
        data = self.loader.split_data.data
        if isinstance(data, Mapping):
            return max(map(len, data.values()))
        return data.num_store_entries

    def _whole(self, batch: Batch, dtypes: _Dtypes) -> Batch:
        """Return new arrays with as many rows as a batch has, and which of them are events."""
        whole: Batch = {}
        for key, dtype in dtypes.items():
            values: Array = batch[key]
            num = len(values)
            shape = self.batch_size, *values.shape[1:]
            rows: Array = np.empty(shape, values.dtype if dtype is None else dtype)
            rows[:num] = values
            if key == "label" and dtype is not None and (rows[:num] != values).any():
                raise ColumnError("'label' has numbers beyond int32: they are no classes")
            filling: Any = values[:1] if key in self._inputs else 0
            rows[num:] = -1 if key == "_index" else filling
            whole[key] = rows
        whole[VALID] = whole["_index"] != -1
        return whole

    def _put(self, batch: Batch, dtypes: _Dtypes) -> Batch:
        on_device = {
            key: values for key, values in batch.items() if dtypes.get(key, True) is not None
        }
        return batch | _put_on(on_device, self._target)


@final
class JaxIterator(Iterator[Batch]):
    """One pass over the batches of a `JaxLoader`, with the methods of an iterator of grain.

    Parameters
    ----------
    loader : JaxLoader
        The loader.
    """

    def __init__(self, loader: JaxLoader) -> None:
        self._loader = loader
        self._batches = loader.new_pass()
        #: The epoch, and the number of batches so far; None before the first batch.
        self._place: tuple[int, int] | None = None

    def __next__(self) -> Batch:
        epoch, num = self._place or self._loader.place
        self._place = epoch, num
        batch = next(self._batches)
        self._place = epoch, num + 1
        return batch

    def get_state(self) -> dict[str, int | str]:
        """Return where this pass is: a dict for JSON, as `JaxLoader.state_dict` returns it."""
        epoch, num = self._place or self._loader.place
        is_whole = num >= len(self._loader)
        return self._loader.state_at(epoch + is_whole, 0 if is_whole else num)

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go to a state of `get_state` or `JaxLoader.state_dict`; the loader goes there, too.

        Raises
        ------
        OptionError
            If the state is that of other data, of another split, seed, order or batch size.
        """
        self._loader.place_of(state)  # refuses what is no state, also an empty one
        self._loader.load_state_dict(state)
        self._batches, self._place = self._loader.new_pass(), None

    def close(self) -> None:
        """End the pass, and its threads."""
        self._place = self._place or self._loader.place
        self._batches = iter(())


def _put_on(arrays: dict[str, Array], target: "Target") -> Batch:
    """Return arrays as those of jax. Of a sharding over processes, each gives its own rows."""
    import jax

    if isinstance(target, jax.sharding.Sharding) and not target.is_fully_addressable:
        make = jax.make_array_from_process_local_data
        return {key: make(target, values) for key, values in arrays.items()}
    put: Batch = jax.device_put(arrays, target)
    return put


def _is_known(dtype: np.dtype[Any]) -> bool:
    """Tell whether JAX has a dtype."""
    limits = {"b": 1, "i": 8, "u": 8, "f": 8, "c": 16}
    return dtype.itemsize <= limits.get(dtype.kind, 0)


def _target_of(jax: Any, device: Any, loader: SplitLoader) -> "Target":
    """Return where arrays go, checked: a module and a user's value come in."""
    if isinstance(device, str):
        try:
            return jax.local_devices(backend=device)[0]
        except RuntimeError as error:
            message = f"JAX has no device {device!r} here: {error}"
            raise OptionError(f"{message}; for a GPU, pip install 'jax[cuda13]'") from None
    if isinstance(device, jax.sharding.Sharding):
        _check_sharding(device, loader)
    elif device is not None and not isinstance(device, jax.Device):
        message = "device must be one of jax.devices(), a jax.sharding.Sharding, or a name such as"
        raise OptionError(f"{message} 'gpu', got {device!r}")
    return device


def _check_sharding(sharding: "jax.sharding.Sharding", loader: SplitLoader) -> None:
    """Raise an `OptionError` if a sharding does not split batches by rows."""
    num_rows = loader.batch_size
    num_processes = len({device.process_index for device in sharding.device_set})
    is_shared = not sharding.is_fully_addressable
    if is_shared and num_rows * num_processes != loader.state_at(0, 0)["batch_size"]:
        message = f"the sharding has devices of {num_processes} processes: give the loader "
        way_out = "rank=jax.process_index() and world_size=jax.process_count()"
        raise OptionError(f"{message}{way_out}")
    try:
        _put_on({VALID: np.empty(num_rows, np.bool_)}, sharding)
    except ValueError as error:
        message = f"the sharding cannot split the {num_rows:,} rows of a batch: {error}"
        way_out = "split the first axis alone, NamedSharding(mesh, PartitionSpec('data')), "
        raise OptionError(f"{message}; {way_out}and take a batch size that divides") from None
