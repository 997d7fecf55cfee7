"""Training: packs of models, each trained as if alone, resumable at any moment."""
