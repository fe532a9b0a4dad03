"""Where arrays lie in files, and advice to the OS on which pages are needed."""
