"""What MLflow shows of a sweep: experiment, runs, values, registered model."""
