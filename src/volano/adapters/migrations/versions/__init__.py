"""Migrations of the state database, in order."""
