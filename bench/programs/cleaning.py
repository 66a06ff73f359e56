"""One cleanup, which runs on `pulumi up`."""

import pulumi

from pulumi_anchorbrowser import BatchCleanup

limit = pulumi.Config().require_int("limit")
BatchCleanup("all-of-them", select={"owner": "any", "tags": ["bench"]}, when="apply", limit=limit)
