"""`RecipeFile`: a TOML file with the files, columns, splits and options of a training set."""

import glob
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from inspect import Parameter, signature
from pathlib import Path
from typing import Any, TypeGuard, TypeVar

from memmpy.checks import check_path
from memmpy.conversion import RFileConfig, convert
from memmpy.cuts import Constant
from memmpy.errors import OptionError
from memmpy.parallel import Work
from memmpy.pipeline.toml_document import Keys, TomlDocument, read_toml
from memmpy.pipeline.training_columns import check_columns, training_set_of_files
from memmpy.skims import Objects
from memmpy.splits import Splits
from memmpy.training import TRAINING_DEFAULTS, Reweight, TrainingRequest, TrainingSet
from memmpy.typing import PathLike

__all__ = ["RecipeFile", "is_recipe", "read_recipe"]

_T = TypeVar("_T")
_SUFFIX = ".toml"
#: What stands for None, which TOML lacks.
_NONE = "none"

_NOT_IN_CONVERT = {"root_files", "path", "splits", "recreate", "progress", "work"}
_CONVERT = [name for name in signature(convert).parameters if name not in _NOT_IN_CONVERT]
_TRAINING = ("inputs", *TRAINING_DEFAULTS)
_TOP = ("store", "files", "convert", "splits", "training")
#: The parameters of each table.
_TABLES: Mapping[str, Collection[str]] = {
    "[[files]]": signature(RFileConfig).parameters,
    "[convert]": _CONVERT,
    "[splits]": signature(Splits).parameters,
    "[training]": _TRAINING,
}


@dataclass(frozen=True, slots=True)
class RecipeFile:
    """The content of a recipe: what leads from files to a training set.

    Parameters
    ----------
    document : TomlDocument
        The recipe as it is written, which tells the places of errors.
    store : Path or None
        The directory of the store; None if the recipe names none.
    files : tuple of RFileConfig
        The files; empty for a store that is there.
    columns : mapping of str to Any
        Options of `convert`: keys, keys_padded, aliases, dtype.
    splits : Splits or None
        The splits; None for those of the store.
    training : TrainingRequest or None
        The content of the training set; None if the recipe has none.
    """

    document: TomlDocument
    store: Path | None
    files: tuple[RFileConfig, ...]
    columns: Mapping[str, Any]
    splits: Splits | None
    training: TrainingRequest | None

    def store_path(self, path: PathLike | None = None) -> Path:
        """Return the directory of the store: `path`, or else that of the recipe."""
        if path is not None:
            return check_path(path)
        if self.store is None:
            message = f"{self.document.path} names no store: write store = 'data.mmpy' at its top"
            raise OptionError(message)
        return self.store

    def input_files(self) -> tuple[RFileConfig, ...]:
        """Return the files, or raise an error if there are none."""
        if not self.files:
            message = f"{self.document.path} has no files: write [[files]] with path = 'ggH/*.root'"
            raise OptionError(message)
        return self.files

    def changed(
        self,
        *,
        splits: Splits | None,
        cut: str | None,
        aliases: Mapping[str, str],
        constants: Mapping[str, Constant],
    ) -> "RecipeFile":
        """Return the recipe with other splits, another cut, and more names for expressions."""
        training = self.training
        if training is not None:
            training = replace(
                training,
                cut=training.cut if cut is None else cut,
                aliases={**(training.aliases or {}), **aliases},
                constants={**(training.constants or {}), **constants},
            )
        return replace(self, splits=splits or self.splits, training=training)

    def training_set(
        self, path: PathLike | None, *, work: Work, progress: bool | None
    ) -> TrainingSet:
        """Return the training set; files are converted first.

        Raises
        ------
        OptionError
            If the recipe has no training set.
        """
        if self.training is None:
            message = f"{self.document.path} has no [training.inputs], which a training set needs"
            raise OptionError(message)
        store = self.store_path(path)
        with self.document.errors_at(()):
            return training_set_of_files(
                self.files, self.columns, self.training, store, self.splits, work, progress=progress
            )


def is_recipe(path: object) -> TypeGuard[PathLike]:
    """Return whether a path is that of a recipe: it ends in ``.toml``."""
    return isinstance(path, str | os.PathLike) and str(path).lower().endswith(_SUFFIX)


def read_recipe(path: PathLike) -> RecipeFile:
    """Return the content of a recipe, checked as far as possible without its files.

    Raises
    ------
    MissingFileError, UnreadableError
        If the recipe is missing or cannot be read.
    OptionError, CutError
        If it is not TOML, or has a wrong name or value; names the line.
    """
    document = read_toml(check_path(path))
    document.check_names((), "a recipe", _TOP, _TABLES)
    files = tuple(_files(document))
    columns = _table(document, "convert", _CONVERT)
    splits = _make(document, ("splits",), Splits) if "splits" in document.values else None
    training = _training(document)
    with document.errors_at(("convert",) if "convert" in document.values else ()):
        check_columns(files, columns, training)
    return RecipeFile(document, _store(document), files, columns, splits, training)


def _store(document: TomlDocument) -> Path | None:
    store = document.values.get("store")
    if store is None:
        return None
    if not isinstance(store, str) or not store:
        raise document.error(("store",), f"store is the path of a directory, got {store!r}")
    return document.path.parent / store


def _files(document: TomlDocument) -> Iterator[RFileConfig]:
    groups = document.values.get("files", [])
    if not isinstance(groups, list):
        message = "files come in groups: write [[files]] above each, with path = 'ggH/*.root'"
        raise document.error(("files",), message)
    for number, group in enumerate(groups):
        values = document.table(("files", number), group, "[[files]] with path = 'ggH/*.root'")
        changes: dict[str, Any] = {
            name: _without_none(values[name]) for name in ("missing", "friends") if name in values
        }
        path = values.get("path")
        folder = document.path.parent
        if isinstance(path, str) and "://" not in path and folder != Path():
            # A relative one begins at the folder of the recipe. It may be a pattern, so no Path.
            changes["path"] = os.path.join(glob.escape(str(folder)), path)  # noqa: PTH118
        yield _make(document, ("files", number), RFileConfig, **changes)


def _training(document: TomlDocument) -> TrainingRequest | None:
    if "training" not in document.values:
        return None
    table = _table(document, "training", _TRAINING)
    keys: Keys = ("training",)
    examples = {
        "inputs": "[training.inputs] with event = ['met', 'HT']",
        "labels": "[training.labels] with signal = \"process == 'ggH'\"",
    }
    if "inputs" not in table:
        raise document.error(keys, f"[training] has no inputs; write {examples['inputs']}")
    for name, example in examples.items():
        for key in document.table((*keys, name), table.get(name, {}), example):
            if key in _TRAINING:  # TOML takes it for a name of the table above it
                message = f"{key!r} in [training.{name}] is an option of [training]"
                raise document.error((*keys, name, key), f"{message}: write it above that table")
    table |= {
        name: _without_none(table[name]) for name in ("normalise", "fill", "scale") if name in table
    }
    table["inputs"] = {
        name: _make(document, (*keys, "inputs", name), Objects) if isinstance(one, dict) else one
        for name, one in table["inputs"].items()
    }
    if "reweight" in table:
        table["reweight"] = _make(document, (*keys, "reweight"), Reweight)
    with document.errors_at(keys):
        request = TrainingRequest(**table)
        request.skim_request()  # reads all expressions
        return request


def _make(document: TomlDocument, keys: Keys, kind: Callable[..., _T], **changes: Any) -> _T:
    """Return the value of a table whose names are the parameters of a class."""
    parameters = signature(kind).parameters
    title = "[[files]]" if keys[0] == "files" else f"[{'.'.join(map(str, keys))}]"
    values = document.table(keys, document.value(keys), title)
    document.check_names(keys, title, parameters, _TABLES)
    for name, one in parameters.items():
        if one.default is Parameter.empty and name not in values:
            raise document.error(keys, f"{title} has no {name}")
    with document.errors_at(keys):
        return kind(**{**values, **changes})


def _table(document: TomlDocument, name: str, known: Collection[str]) -> dict[str, Any]:
    """Return a copy of a table whose names are right; an empty one if it is missing."""
    if name not in document.values:
        return {}
    table = document.table((name,), document.values[name], f"[{name}]")
    document.check_names((name,), f"[{name}]", known, _TABLES)
    return dict(table)


def _without_none(value: Any) -> Any:
    """Return a value with None in place of ``"none"``."""
    if isinstance(value, dict):
        return {name: _without_none(one) for name, one in value.items()}
    return None if value == _NONE else value
