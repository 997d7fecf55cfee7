"""Where a report's results come from: data, time, machine, failures, versions."""

import datetime
import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from evaluation.analysis.formatting import count, duration
from sweeps.sweep import Snapshot

VERSIONS = ("beta-sweep", "torch", "ray", "optuna", "mlflow")
GIB = 2**30
MAX_REASONS = 3


def provenance(snapshot: Snapshot, now: datetime.datetime | None = None) -> dict[str, str]:
    """The facts listed under "How to reproduce this", by name.

    now: when the report is made; this moment by default. Facts missing from the runs' records, as
    in earlier versions, are left out.
    """
    data, results = snapshot.sweep.data, snapshot.results
    now = now or datetime.datetime.now(datetime.UTC)
    found = {"images": f"{data.name} ({data.source}), fingerprint {data.fingerprint[:16]}"}
    trained: list[Mapping[str, Any]] = [result.get("training") or {} for result in results]
    seconds = sum(float(how.get("seconds") or 0) for how in trained)
    found["training"] = f"{duration(seconds)} of model time in {count(len(results), 'run')}"
    if clock := by_the_clock(trained):
        found["by the clock"] = clock
    found["failures"] = failures(results)
    machines = [_machine(how) for how in trained]
    for name, values in (
        ("machine", machines),
        ("precision", [str(how.get("precision") or "") for how in trained]),
        ("trained with", [_trained_with(how) for how in trained]),
    ):
        if tally := _tally(values):
            found[name] = tally
    made = ", ".join(f"{name} {number}" for name, number in _versions())
    return found | {"this report": f"{now:%d %B %Y, %H:%M} UTC, with {made}"}


def by_the_clock(trained: Sequence[Mapping[str, Any]]) -> str:
    """When training began and ended, and how much of that was training; "" if unknown."""
    spans = sorted(_spans(trained))
    if not spans:
        return ""
    start, end = spans[0][0], max(end for _, end in spans)
    busy, until = 0.0, start
    for began, ended in spans:
        busy += max(0.0, ended - max(began, until))
        until = max(until, ended)
    first, last = (datetime.datetime.fromtimestamp(t, datetime.UTC) for t in (start, end))
    ends = f"{last:%H:%M}" if first.date() == last.date() else f"{last:%d %B %Y, %H:%M}"
    return (
        f"{first:%d %B %Y, %H:%M} to {ends} UTC: {duration(end - start)}, "
        f"of which {duration(busy)} training"
    )


def failures(results: Sequence[Mapping[str, Any]]) -> str:
    """How many runs failed, and why most of them."""
    reasons = [str(r.get("reason") or "?") for r in results if r.get("state") == "failed"]
    if not reasons:
        return f"none of {count(len(results), 'run')}"
    # the table of failures lists the steps
    kinds = Counter(reason.partition(" at step")[0] for reason in reasons)
    said = ", ".join(f"{reason} ({times})" for reason, times in kinds.most_common(MAX_REASONS))
    return f"{len(reasons)} of {count(len(results), 'run')}: {said}"


def _spans(trained: Iterable[Mapping[str, Any]]) -> Iterator[tuple[float, float]]:
    """When each run was trained, in seconds since 1970; runs of a pack share their times."""
    for how in trained:
        try:
            end = datetime.datetime.fromisoformat(str(how.get("ended"))).timestamp()
            yield end - float(how["seconds"]), end
        except (KeyError, TypeError, ValueError, OverflowError, OSError):
            continue


def _machine(how: Mapping[str, Any]) -> str:
    """The device and its host, in words; "" if not recorded."""
    found = how.get("machine")
    found = found if isinstance(found, Mapping) else {}
    device = str(how.get("device") or "")
    if device and device != "cpu":
        device += _memory(found.get("card_memory"), " of {}")
    parts = [device.replace("cpu", "CPU")] if device else []
    if isinstance(found.get("cores"), int):
        parts.append(f"{count(found['cores'], 'core')}{_memory(found.get('memory'), ', {}')}")
    return ", ".join(parts)


def _memory(size: object, how: str) -> str:
    return how.format(f"{size / GIB:.3g} GiB") if isinstance(size, int | float) else ""


def _trained_with(how: Mapping[str, Any]) -> str:
    found = how.get("machine")
    python = found.get("python") if isinstance(found, Mapping) else None
    parts = (("torch", how.get("torch")), ("Python", python))
    return ", ".join(f"{name} {number}" for name, number in parts if number)


def _tally(values: Iterable[str]) -> str:
    """The distinct values, with the number of runs of each if there are several."""
    found = Counter(value for value in values if value)
    if len(found) == 1:
        return next(iter(found))
    return "; ".join(f"{value} ({count(runs, 'run')})" for value, runs in found.most_common())


def _versions() -> Iterator[tuple[str, str]]:
    yield "Python", platform.python_version()
    for package in VERSIONS:
        try:
            yield package, version(package)
        except PackageNotFoundError:
            continue
