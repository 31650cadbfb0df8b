"""Choosing the thresholds of a bundle's exits: how many defects are found, and what a frame costs on the average."""
