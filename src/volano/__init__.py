"""Volano: personalisation as a wheel that keeps turning."""

from __future__ import annotations

__version__ = "0.1.0"
