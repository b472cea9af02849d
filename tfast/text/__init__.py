"""Text: tokens, vocabulary, batches, AWD-LSTM, ULMFiT."""
