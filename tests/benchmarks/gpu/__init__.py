"""A GPU's ten minutes: is it right there, is it fast, and is what it finds true?

    python -m tests.benchmarks.gpu --minutes 8 --out DIR                  # where a GPU is
    python -m tests.benchmarks.gpu --device cpu --minutes 3 --out DIR     # a rehearsal
    python -m tests.benchmarks.gpu --read DIR     # rows for README, and sweeps/reference/dsprites/

It runs from a source tree, and needs what `trainer` and `evaluation` need, and pytest. Each part is
a process of its own, with a share of the time, and writes its JSON as it goes: a part that fails,
hangs or brings down its process leaves the others as they are, and a run that is cut off keeps what
it has. `run.json` says how each part ended.
"""
