"""`python -m sweeps` is the command `sweep`."""

import sys

from sweeps.command import main

sys.exit(main())
