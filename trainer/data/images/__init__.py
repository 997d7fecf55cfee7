"""Images in files: arrays of any layout and range, or pictures to decode."""
