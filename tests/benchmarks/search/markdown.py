"""The tables of docs/measurements.md, from the benchmark's figures."""

from collections.abc import Mapping, Sequence
from typing import Any

OURS = "race + surface"
RIVALS = {"random, 10 seeds": "random, 10 seeds (560 runs)", "ASHA over seeds": "ASHA"}
TITLES = {
    OURS: "race + surface (`method: surface`)",
    "race + surface, 4 at a time": "the same with `lookahead: 4`",
    "race": "race over the grid, 2 to 10 seeds",
    "ASHA over seeds": "ASHA over seeds (1, 3, 10)",
    "ASHA, 4 at a time": "the same, 4 runs at a time",
    "random, 10 seeds": "random order, 10 seeds",
    "grid, 10 seeds": "grid, 10 seeds",
    "random, 2 seeds + surface": "random order, 2 seeds, chosen by the surface",
    "random, 1 seed": "random order, 1 seed",
}
ORDER = (
    *(OURS, "race + surface, 4 at a time", "race"),
    *("ASHA over seeds", "ASHA, 4 at a time", "random, 10 seeds"),
    *("grid, 10 seeds", "random, 2 seeds + surface", "TPE, 10 seeds", "GP, 10 seeds"),
    *("TPE, 1 seed", "GP, 1 seed", "random, 1 seed"),
)
MARKS = ("20", "40", "80", "160", "320")
EQUAL = ("20", "40", "80", "160")  # runs after which searches are compared

Figures = Mapping[str, Any]  # of one search in one table


def in_markdown(rows: Sequence[Figures]) -> str:
    """How searches compare in the real table; what is said on simulated curves, and how truly."""
    found = {(row["table"], row["way"]): row for row in rows}
    ways = [found["real", way] for way in ORDER if ("real", way) in found]
    names = dict.fromkeys(row["table"] for row in rows if row["table"] != "real")
    curves = sorted((name for name in names if (name, OURS) in found), key=lambda n: n != "drawn")
    parts = []
    if ways:
        marks = [f"loss after {MARKS[0]}", *MARKS[1:]]
        titles = ["search", "searches", "runs", "chosen", "said", "at 56", "to 95 %", *marks]
        parts.append(_table(titles, [_compared(row) for row in ways]))
    if curves:
        titles = ["curve", "searches", "runs", "chosen", "said", "±", "claimed"]
        titles += ["kept", "loss", "bound"]
        random, asha = RIVALS.values()
        titles += [f"{random}: chosen", f"{asha}: chosen", f"{asha}: runs"]
        parts.append(_table(titles, [_claimed(name, found) for name in curves]))
    compared = [
        name
        for name in curves
        if all("right" in found.get((name, way), {}) for way in (OURS, *RIVALS))
    ]
    if compared:
        titles = ["curve", *(f"{mark} runs" for mark in EQUAL)]
        parts.append(_table(titles, [_at_equal_runs(name, found) for name in compared]))
    if bands := found.get(("drawn", OURS), {}).get("bands"):
        titles = ["said", "searches", "said on average", "right"]
        parts.append(_table(titles, [_reliable(band) for band in bands]))
    return "\n\n".join(parts)


def _compared(row: Figures) -> list[str]:
    # a mark that is passed only by searches that have ended says nothing new
    marks = [_number(row[m], 3) if float(m) < row["runs"] else "" for m in MARKS]
    settled = "never" if row["settled"] is None else str(row["settled"])
    title = TITLES.get(row["way"]) or str(row["way"])
    first = [title, str(row["repeats"]), _number(row["runs"])]
    shares = [_number(row[name], 2) for name in ("chosen", "said", "tenth")]
    return [*first, *shares, settled, *marks]


def _claimed(name: str, found: Mapping[tuple[str, str], Figures]) -> list[str]:
    row = found[name, OURS]
    claims = round(row["claimed"] * row["repeats"])
    kept = claims - round(row["false"] * row["repeats"])
    random, asha = (found.get((name, way), {}) for way in RIVALS)
    return [
        *(name, str(row["repeats"]), _number(row["runs"]), _number(row["chosen"], 2)),
        *(_number(row["said"], 2), _number(row.get("error"), 2), str(claims), str(kept)),
        *(_number(row["loss"], 4), _number(row["bound"]), _number(random.get("chosen"), 2)),
        *(_number(asha.get("chosen"), 2), _number(asha.get("runs"))),
    ]


def _at_equal_runs(name: str, found: Mapping[tuple[str, str], Figures]) -> list[str]:
    ways = [found[name, way]["right"] for way in (OURS, *RIVALS)]
    return [name, *(" / ".join(_number(right[mark], 2) for right in ways) for mark in EQUAL)]


def _reliable(band: Figures) -> list[str]:
    said, right = _number(band["said"], 2), _number(band["right"], 2)
    return [f"{band['from']:.2f} or more", str(band["searches"]), said, right]


def _number(value: float | None, digits: int = 0) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(line)} |" for line in (titles, *rows)]
    return "\n".join([lines[0], f"|{'---|' * len(titles)}", *lines[1:]])
