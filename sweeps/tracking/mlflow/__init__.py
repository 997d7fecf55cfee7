"""A sweep in MLflow: experiment, runs, values, registered model."""
