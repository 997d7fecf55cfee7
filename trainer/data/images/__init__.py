"""Images in files: arrays of any layout and range, or image files to decode."""
