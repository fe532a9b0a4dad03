"""ROOT files to memory-mapped columns, and shuffled batches for training at memory speed."""
