"""What a rule asks of a cluster."""

import pytest
from workflow_rules import workflow_rules

PROCESS_MB = 350  # `echodiff phantom` of the largest volumes: 2,669 MiB of its own in eight processes


@pytest.mark.parametrize("name", ["phantom", "ingest", "variants"])
def test_every_process_of_a_job_has_the_memory_that_it_takes(name):
    """A cluster ends a job that takes more than its rule asks for."""
    rule = workflow_rules()[name]
    assert "--processes {threads}" in rule.shell
    assert rule.threads == 8 and rule.mem_mb >= rule.threads * PROCESS_MB
