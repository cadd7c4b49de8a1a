"""The nouns: frozen, and the same words everywhere."""
