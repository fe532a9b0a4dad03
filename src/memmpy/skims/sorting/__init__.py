"""Makes a skim by an external sort: entries to packed rows in the order of their tickets."""
