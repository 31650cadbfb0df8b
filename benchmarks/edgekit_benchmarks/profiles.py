"""How long a measurement may take, and what it can claim then."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit_benchmarks.percentiles import count_needed
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.near_names import suggest

LEAST_ROUNDS = count_needed(0.5)
"""11: as many as a median needs by the rule of the percentiles. No profile stops before, whatever it takes."""


@dataclass(frozen=True)
class Profile:
    """The effort of one measurement.

    Attributes:
        name: What --profile takes.
        samples: Timed calls of each contestant.
        seconds: No round begins after this time, once there are 11; also the length of a paced run at most.
        warm_up_s: Longest warm-up of each contestant.
        tuning_s: For each peer, for trying its settings.
        paced_s: Length of a paced run.
        starts: Fresh processes that are started for the cold start.
        roofline: Whether the machine's own bounds are measured, too.
    """

    name: str
    samples: int
    seconds: float
    warm_up_s: float
    tuning_s: float
    paced_s: float
    starts: int
    roofline: bool


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("quick", count_needed(0.9), 20.0, 2.0, 3.0, 5.0, 1, roofline=False),
        Profile("standard", count_needed(0.99), 120.0, 5.0, 10.0, 30.0, 3, roofline=True),
        Profile("audit", count_needed(0.999), 1800.0, 20.0, 30.0, 300.0, 5, roofline=True),
    )
}
"""quick carries p90, standard p99, audit p99.9, where the time allows."""


def find_profile(name: str) -> Profile:
    """Return the profile of a name.

    Raises:
        UsageProblem: If there is none.
    """
    if name not in PROFILES:
        raise UsageProblem(f"There is no profile {name!r}. {suggest(name, PROFILES)}")
    return PROFILES[name]
