"""Planning of a conversion: decides, as plain data, what must be read and written."""
