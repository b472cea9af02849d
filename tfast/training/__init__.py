"""What a fit needs whatever flows through it."""
