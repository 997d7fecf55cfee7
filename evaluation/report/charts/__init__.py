"""The page's interactive charts: data and specifications in Vega-Lite, and their captions."""
