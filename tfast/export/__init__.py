"""Trained models to SavedModels that take raw bytes or raw strings."""
