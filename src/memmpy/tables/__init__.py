"""Files of events that are not ROOT's: Parquet and HDF5."""

from memmpy.tables.hdf5 import HdfTable
from memmpy.tables.parquet import ParquetTable

__all__ = ["HdfTable", "ParquetTable"]
