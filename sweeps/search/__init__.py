"""The search: settings are proposed, cut into blocks of runs, and judged by what came of them."""
