"""AWD-LSTM: its layers, the language model and the classifiers."""
