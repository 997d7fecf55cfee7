"""What the papers say of beta in models so small that the answer can be worked out.

A command each, of seconds on one core: `python -m evaluation.studies.linear_models --out DIR`.
"""
