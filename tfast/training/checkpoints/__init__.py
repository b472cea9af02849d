"""Interrupted training, resumed exactly where it stopped."""
