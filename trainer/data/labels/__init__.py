"""Labels: which image a row is of, columns made into factors, and weak labels."""
