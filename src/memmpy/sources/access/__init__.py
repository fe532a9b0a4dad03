"""Access to the bytes of files: on disks and behind URLs, with retries and without credentials."""
