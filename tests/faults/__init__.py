"""What a disk, a clock, a client or a network may do to us."""
