"""The papers' data sets and other common ones, one module each, read from the published files.

They are listed by name in `trainer.data.DATASETS`.
"""
