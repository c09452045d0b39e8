"""Profiles of Hypothesis: short and always the same draws; and a long one, for ``nox -s fuzz``."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "short",
    max_examples=25,
    derandomize=True,
    database=None,
    deadline=None,
    # Every draw writes anew what it needs, so that a folder may be shared by all draws of a test.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("long", settings.get_profile("short"), max_examples=1000, derandomize=False, print_blob=True)
settings.load_profile("short")
