"""What somebody who can write to a store, or to a sweep file, must not be able to do."""
