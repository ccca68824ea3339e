"""The shop folder: the one way in for a shop's data, and the catalogue that is made of it."""
