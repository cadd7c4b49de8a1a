"""A little shop of five pages with the tag on them, for the demo."""
