"""Copies of a sweep in MLflow and Optuna's database, written in the background."""
