"""Files of events that are not ROOT's: Parquet and HDF5."""

from memmpy.formats.hdf5 import HdfTable
from memmpy.formats.parquet import ParquetTable

__all__ = ["HdfTable", "ParquetTable"]
