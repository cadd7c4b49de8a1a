"""One file is one wire format."""
