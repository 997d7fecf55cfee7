"""Names of the files in a run's folder, which every layer reads; without importing torch."""

CONFIG_FILE, HISTORY_FILE, MODEL_FILE = "config.json", "history.json", "model.safetensors"
RECORD_FILE = "training.json"  # written last: a folder that has it is of a run that has ended
TRAVERSAL_FILE = "traversal.png"  # an image that a sweep adds
