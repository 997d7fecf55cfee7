"""A sweep's final products: its report page and the paper's table."""
