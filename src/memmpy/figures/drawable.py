"""A mixin: results that draw themselves to a figure and a file."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from memmpy.errors import argument_hints
from memmpy.figures.drawing import check_figure_path, save_figure
from memmpy.typing import PathLike

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Drawable"]


@argument_hints
class Drawable(ABC):
    """A result with a picture. A class gives `_draw`, and says what the picture shows."""

    __slots__ = ()

    @abstractmethod
    def _draw(self) -> "Figure":
        """Return the figure."""

    def plot(self, path: PathLike | None = None) -> "Figure":
        """Draw it, and write the picture to a file.

        Parameters
        ----------
        path : path-like, optional
            The file, ``.png``, ``.pdf`` or ``.svg``; it is replaced. By default no file is written.

        Returns
        -------
        matplotlib.figure.Figure
            The figure, to change it or to show it in a notebook.

        Raises
        ------
        MissingPackageError
            If matplotlib is not installed: ``pip install 'memmpy[plot]'``.
        OptionError
            If the suffix is another one.
        DiskError, ReadOnlyStoreError
            If memmpy cannot write the file.
        """
        file = check_figure_path(path)
        return save_figure(self._draw(), file)
