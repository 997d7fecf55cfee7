"""`python -m sweeps` is the command `sweep`."""

import os
import sys

from sweeps.import_guard import HOME

# Python puts the current folder first: a `random.py` or `torch.py` there would be imported
if (
    not sys.flags.safe_path
    and os.path.realpath(sys.path[0]) == os.path.realpath(os.getcwd()) != HOME
):
    del sys.path[0]

from sweeps.cli.main import main

sys.exit(main())
