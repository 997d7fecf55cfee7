"""Analysis of a whole sweep from a table of its runs: the best beta, figures and a report."""
