"""Which runs are trained next, and which of them together: settings and seeds, by ask and tell."""
