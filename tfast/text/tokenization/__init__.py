"""Raw strings to tokens, in the graph: rules, then splitting."""
