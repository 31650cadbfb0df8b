"""Names that every exported graph has, whatever the network called its tensors."""

FRAME = "frame"
"""The uint8 frame, input of the first stage."""

LOGITS = "logits"
"""Output of a segmenting network; stays in the graph as an inner value."""

MASK = "mask"
"""uint8 class index per pixel, output of a segmenting bundle."""

THRESHOLD = "threshold"
"""float32 scalar input that the logits are compared with."""
