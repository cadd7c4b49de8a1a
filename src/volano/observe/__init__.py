"""From events to people, purely."""
