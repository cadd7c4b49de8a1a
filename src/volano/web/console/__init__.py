"""The console: one file is one page."""
