"""The archives, and an environment for each extra."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
# The programs there are what an installed package is type-checked with.
sys.path.insert(0, str(Path(__file__).parents[1] / "typing"))
# Batches that no stack has.
sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))

from archives import Archives, archives
from clean_environments import CleanEnvironment, clean_environment


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Archives:
    return archives(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def base(built: Archives) -> CleanEnvironment:
    """The provider alone."""
    return clean_environment("base", built.wheel)


@pytest.fixture(scope="session")
def with_cli(built: Archives, base: CleanEnvironment) -> CleanEnvironment:
    return clean_environment("cli", built.wheel, "[cli]", base)


@pytest.fixture(scope="session")
def with_simulator(built: Archives, base: CleanEnvironment) -> CleanEnvironment:
    """From the source archive, which pip builds by itself."""
    return clean_environment("simulator", built.sdist, "[simulator]", base)


@pytest.fixture(scope="session")
def with_all(built: Archives, base: CleanEnvironment) -> CleanEnvironment:
    return clean_environment("all", built.wheel, "[all]", base)
