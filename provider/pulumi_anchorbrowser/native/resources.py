"""The resources that a Python program declares over the native plugin: the dynamic ones, registered with it instead."""

# As in `dynamic.resources`, annotations are not text: the SDK evaluates those anew for each resource.

from typing import Any

import pulumi

from pulumi_anchorbrowser.dynamic import resources as dynamic
from pulumi_anchorbrowser.dynamic.providers import AnchorBrowserProvider
from pulumi_anchorbrowser.native import names

_PACKAGE = "anchorbrowser"


class _OverThePlugin(dynamic.AnchorBrowserResource):
    def _register(
        self,
        _provider: AnchorBrowserProvider,
        resource_name: str,
        properties: dict[str, Any],
        opts: pulumi.ResourceOptions | None,
    ) -> None:
        # A program's subclass is the same resource.
        name = next(kind.__name__ for kind in type(self).__mro__ if kind.__module__ == __name__)
        # So is one that the dynamic provider made: nothing is started anew.
        former = pulumi.Alias(type_=f"pulumi-python:dynamic/{_PACKAGE}:{name}")
        opts = pulumi.ResourceOptions.merge(pulumi.ResourceOptions(aliases=[former]), opts)
        # Below the top level the plugin takes the names of the API as well. The stack it knows from the URN.
        wanted = {names.outside(name): value for name, value in properties.items() if name != "owner"}
        wanted["owner"] = None
        pulumi.CustomResource.__init__(self, f"{_PACKAGE}:index:{name}", resource_name, wanted, opts)
        own = vars(self)
        for outside in wanted:
            output = own.pop(outside)
            own[names.inside(outside)] = _with_names_inside(names.inside(outside), output)


class Batch(_OverThePlugin, dynamic.Batch):
    """A batch of browsers that stops when Pulumi says so; as `pulumi_anchorbrowser.Batch`, over the native plugin."""


class BatchReady(_OverThePlugin, dynamic.BatchReady):
    """A wait for a batch; as `pulumi_anchorbrowser.BatchReady`, over the native plugin."""


class BatchCleanup(_OverThePlugin, dynamic.BatchCleanup):
    """A cleanup of batches; as `pulumi_anchorbrowser.BatchCleanup`, over the native plugin."""


class Provider(pulumi.ProviderResource):
    """A provider with settings of its own, such as another account: give it as `provider` in a resource's options."""

    def __init__(
        self,
        resource_name: str,
        *,
        api_key: pulumi.Input[str] | None = None,
        base_url: pulumi.Input[str] | None = None,
        max_concurrency: pulumi.Input[int] | None = None,
        request_timeout: pulumi.Input[float] | None = None,
        max_retries: pulumi.Input[int] | None = None,
        poll_interval: pulumi.Input[float] | None = None,
        settle_timeout: pulumi.Input[float] | None = None,
        organization: pulumi.Input[str] | None = None,
        confirm_account: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare it. Settings that are left out come from the environment, see docs/settings.md.

        Args:
            resource_name: The resource's name in the program.
            api_key: The API key; kept secret, even if the program passes it plain.
            base_url: The API's address.
            max_concurrency: Requests in flight at once.
            request_timeout: Seconds until one request times out.
            max_retries: Retries of a request that can be sent again safely.
            poll_interval: Seconds between two looks at the batches that `BatchReady` waits for.
            settle_timeout: Seconds for which a batch is looked for whose create lost its response.
            organization: The organization of the stack, where it is not `organization`.
            confirm_account: The code that an error asks for, with which you confirm a changed key.
            opts: Pulumi's own options.
        """
        properties = {
            "apiKey": None if api_key is None else pulumi.Output.secret(api_key),
            "baseUrl": base_url,
            "maxConcurrency": max_concurrency,
            "requestTimeout": request_timeout,
            "maxRetries": max_retries,
            "pollInterval": poll_interval,
            "settleTimeout": settle_timeout,
            "organization": organization,
            "confirmAccount": confirm_account,
        }
        # A provider's properties travel as text.
        text = {name: _as_text(value) for name, value in properties.items() if value is not None}
        super().__init__(_PACKAGE, resource_name, text, opts)


_NESTED = frozenset(
    {"configuration", "deletion_errors", "sessions", "select", "exclude", "plan", "skipped", "results", "failures"}
)


def _with_names_inside(name: str, output: pulumi.Output[Any]) -> pulumi.Output[Any]:
    if name not in _NESTED:
        return output
    return output.apply(lambda value: names.properties_inside({name: value})[name])


def _as_text(value: pulumi.Input[Any]) -> pulumi.Input[str]:
    return pulumi.Output.from_input(value).apply(_text_of)


def _text_of(known: str | float) -> str:
    # An output is a float, also where it is a whole number.
    return known if isinstance(known, str) else str(int(known) if known == int(known) else known)
