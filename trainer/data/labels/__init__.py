"""Labels: which image a row describes, how columns become factors, and weak labels."""
