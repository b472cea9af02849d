"""Datasets of epochs that can begin at any step."""
