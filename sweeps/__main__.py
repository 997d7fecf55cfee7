"""`python -m sweeps` is the command `sweep`."""

import sys

from sweeps.cli.main import main

sys.exit(main())
