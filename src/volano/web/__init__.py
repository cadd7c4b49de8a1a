"""The edge: intake and decisions for shops, console for people."""
