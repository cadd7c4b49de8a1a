"""What other programs ask with a secret key."""
