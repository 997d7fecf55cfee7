"""What the papers say about beta, in models so small that the answer can be derived.

One command each, of seconds on one core: `python -m evaluation.studies.linear_models --out DIR`.
"""
