"""The environment of one pull request: its browsers, and a cleanup of whatever else was started for it.

Tests and scripts that start batches through the API tag their sessions `pr-<number>`; destroying the stack stops those
as well as the browsers that it started itself.
"""

import pulumi

from pulumi_anchorbrowser import Batch, BatchCleanup

config = pulumi.Config()
tag = f"pr-{config.require_int('pullRequest')}"

# `any`, since what scripts start belongs to no stack.
leftovers = BatchCleanup("leftovers", select={"owner": "any", "tags": [tag]})

# It depends on the cleanup so that a destroy deletes it first, and the cleanup then finds only what others started.
browsers = Batch(
    "browsers",
    count=config.get_int("count") or 5,
    configuration={"session": {"tags": [tag]}},
    opts=pulumi.ResourceOptions(depends_on=[leftovers]),
)

pulumi.export("tag", tag)
pulumi.export("batch_id", browsers.batch_id)
