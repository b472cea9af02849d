"""Looking at a fit: learning-rate finder, statistics of layers, figures."""
