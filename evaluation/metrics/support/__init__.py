"""What the metrics share: points, pairs, labels, encoding, classifiers."""
