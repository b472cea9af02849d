"""Leaving fastai: its files read safely, its models converted both ways."""
