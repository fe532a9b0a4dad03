"""What a conversion has to do, as data: decided before any entry is read."""
