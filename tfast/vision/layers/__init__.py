"""The building blocks of XResNet."""
