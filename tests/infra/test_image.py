"""The Dockerfile: its sources exist, its versions are the project's, and it fits its users."""

import re

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests.infra.files import PINNED, PROJECT, ROOT

TEXT = (ROOT / "Dockerfile").read_text()
LINES = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", TEXT, flags=re.M))
STEPS = [tuple(line.split(None, 1)) for line in LINES.splitlines() if line.strip()]
KNOWN = {"FROM", "RUN", "WORKDIR", "ARG", "COPY", "ENV", "USER", "CMD"}


def arguments(instruction):
    return [rest for name, rest in STEPS if name == instruction]


def test_only_known_instructions():
    assert {name for name, _ in STEPS} <= KNOWN  # no ADD, and no ENTRYPOINT, which Ray would run


def test_python_is_pinned_and_one_that_the_project_takes():
    (base,) = arguments("FROM")
    found = re.fullmatch(r"python:(\d+\.\d+\.\d+)-slim-\w+", base)
    assert found, base
    assert SpecifierSet(PROJECT["requires-python"]).contains(found[1])


def test_sources_exist():
    for copy in arguments("COPY"):
        *sources, _ = copy.split()
        for source in sources:
            assert (ROOT / source).exists(), source


def test_the_builder_gets_what_is_copied_and_nothing_else():
    everything, *lines = [
        line
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if not line.startswith(("#", "**/"))
    ]
    copied = {source for copy in arguments("COPY") for source in copy.split()[:-1]}
    assert everything == "*"
    assert {line.removeprefix("!") for line in lines} == copied


def test_all_packages_are_copied():
    copied = {source for copy in arguments("COPY") for source in copy.split()[:-1]}
    assert {"trainer", "evaluation", "sweeps", "constraints.txt", "pyproject.toml"} <= copied


def test_what_is_installed_is_the_projects_and_pinned():
    extras = set(re.findall(r"\['optional-dependencies'\]\['(\w+)'\]", TEXT))
    assert extras == {"cluster"}
    pinned = {canonicalize_name(name) for name in PINNED}
    wanted = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["cluster"]
    for text in wanted:
        requirement = Requirement(text)
        assert canonicalize_name(requirement.name) in pinned
        versions = {canonicalize_name(name): version for name, version in PINNED.items()}
        assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)])
    for step in arguments("RUN"):
        for call in re.findall(r"pip install [^&]*", step):
            assert "-c constraints.txt" in call or "--no-deps" in call


def test_code_comes_after_the_dependencies():
    order = [f"{name} {rest}" for name, rest in STEPS]
    install = next(i for i, step in enumerate(order) if "-r requirements.txt" in step)
    assert all(order.index(f"COPY {name} {name}") > install for name in ("trainer", "sweeps"))


def test_it_is_not_root_and_asks_for_the_token():
    assert arguments("USER")[-1] == "1000"
    assert "RAY_AUTH_MODE=token" in " ".join(arguments("ENV"))
    names = [name for name, _ in STEPS]
    assert "RUN" not in names[names.index("USER") :]


def test_a_machine_that_hangs_is_given_up_in_seconds():
    values = dict(word.split("=") for word in " ".join(arguments("ENV")).split() if "=" in word)
    wait = int(values["RAY_health_check_period_ms"]) + int(values["RAY_health_check_timeout_ms"])
    assert wait * int(values["RAY_health_check_failure_threshold"]) <= 20_000
