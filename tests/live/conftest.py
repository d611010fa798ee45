"""Start each real server once for all the live tests, fill it, and stop it at the end.

One site serves every test of a run, so a test that acts makes its own post and report first; the seeded ones
are there to be listed and read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.rigs import OzoneRig, SynapseRig, seed_ozone, seed_synapse

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder `live`."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.live)


@pytest.fixture(scope="session")
def ozone() -> Iterator[OzoneRig]:
    """Give a running Ozone, filled as `seed_ozone` says."""
    with OzoneRig() as rig:
        seed_ozone(rig)
        yield rig


@pytest.fixture(scope="session")
def synapse() -> Iterator[SynapseRig]:
    """Give a running Synapse without limits, filled as `seed_synapse` says."""
    with SynapseRig() as rig:
        seed_synapse(rig)
        yield rig


@pytest.fixture(scope="session")
def limited_synapse() -> Iterator[SynapseRig]:
    """Give a running Synapse with its own limits, and nothing in it: each call counts."""
    with SynapseRig(ratelimit=True) as rig:
        yield rig
