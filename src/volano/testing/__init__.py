"""Fakes that keep the promises of the ports."""
