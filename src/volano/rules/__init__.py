"""The condition language: one expression, two compiled forms."""
