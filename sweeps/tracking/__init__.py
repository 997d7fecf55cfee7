"""What MLflow and Optuna's database show of a sweep: copies, written in the background."""
