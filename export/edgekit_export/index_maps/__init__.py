"""Which positions of an operator's input its output depends on: the parts of a receptive field."""
