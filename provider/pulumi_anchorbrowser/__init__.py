"""AnchorBrowser batch sessions as Pulumi resources: nothing left running, nothing left uncounted."""

from pulumi_anchorbrowser._version import __version__
from pulumi_anchorbrowser.dynamic.arguments import (
    BrowserArgs,
    IdentityArgs,
    IntegrationArgs,
    LiveViewArgs,
    MaskPatternArgs,
    ProfileArgs,
    ProxyArgs,
    SensitiveDataMaskArgs,
    SessionArgs,
    SessionConfigurationArgs,
    SwitchArgs,
    TimeoutArgs,
    TracingArgs,
    ViewportArgs,
)
from pulumi_anchorbrowser.dynamic.batch import Batch
from pulumi_anchorbrowser.dynamic.batch_cleanup import BatchCleanup, ExcludeArgs, SelectArgs
from pulumi_anchorbrowser.dynamic.batch_ready import BatchReady
from pulumi_anchorbrowser.dynamic.teardown_hook import teardown_hook
from pulumi_anchorbrowser.lifecycle.inputs import IfCompleted, OnDestroy, OnMissing, Status

__all__ = [
    "Batch",
    "BatchCleanup",
    "BatchReady",
    "BrowserArgs",
    "ExcludeArgs",
    "IdentityArgs",
    "IfCompleted",
    "IntegrationArgs",
    "LiveViewArgs",
    "MaskPatternArgs",
    "OnDestroy",
    "OnMissing",
    "ProfileArgs",
    "ProxyArgs",
    "SelectArgs",
    "SensitiveDataMaskArgs",
    "SessionArgs",
    "SessionConfigurationArgs",
    "Status",
    "SwitchArgs",
    "TimeoutArgs",
    "TracingArgs",
    "ViewportArgs",
    "__version__",
    "teardown_hook",
]
