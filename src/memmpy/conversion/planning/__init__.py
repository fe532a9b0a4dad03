"""Planning of a conversion: decides, as plain data, which entries to read and columns to write."""
