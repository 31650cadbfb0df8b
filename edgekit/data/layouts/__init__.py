"""The folder layouts that edgekit reads, each in a file of its own; `edgekit.data.opening` lists them."""
