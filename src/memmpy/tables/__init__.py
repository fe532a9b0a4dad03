"""Files of events that are not ROOT's: Parquet and HDF5."""
