"""External sort of a skim: packs entries into rows, in the order of their tickets."""
