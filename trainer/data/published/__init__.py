"""The data sets of the papers and of the field, one file each, read from files as published."""
