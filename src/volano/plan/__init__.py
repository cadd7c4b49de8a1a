"""Where people are lost, and what to try."""
