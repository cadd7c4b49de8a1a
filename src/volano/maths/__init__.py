"""Sums: NumPy in, NumPy out; no shop word is known here."""
