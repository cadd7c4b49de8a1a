"""One file is one neighbour outside."""
