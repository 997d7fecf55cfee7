"""Labels: which image a row describes, columns turned into factors, and weak labels."""
