"""The tracking libraries that shops have, unmodified, against the real server."""
