"""The AnchorBrowser HTTP API: models, errors, retries and a client. Knows nothing of Pulumi."""

from pulumi_anchorbrowser.api.account import Account
from pulumi_anchorbrowser.api.client import Client
from pulumi_anchorbrowser.api.configuration import SessionConfiguration, passwords_in
from pulumi_anchorbrowser.api.credentials import ApiKeys
from pulumi_anchorbrowser.api.errors import (
    AlreadySettled,
    ApiError,
    BadRequest,
    Forbidden,
    InvalidApiKey,
    NoAnswer,
    NotConnected,
    NotFound,
    NotSent,
    PaymentRequired,
    RateLimited,
    ServerError,
    UnexpectedAnswer,
)
from pulumi_anchorbrowser.api.models import (
    Batch,
    BatchCancelled,
    BatchCreated,
    BatchDeleted,
    BatchPage,
    BatchRetried,
    BatchSession,
    BatchSummary,
    FailedDeletion,
    SessionStatus,
)
from pulumi_anchorbrowser.api.transport import ClientOptions

__all__ = [
    "Account",
    "AlreadySettled",
    "ApiError",
    "ApiKeys",
    "BadRequest",
    "Batch",
    "BatchCancelled",
    "BatchCreated",
    "BatchDeleted",
    "BatchPage",
    "BatchRetried",
    "BatchSession",
    "BatchSummary",
    "Client",
    "ClientOptions",
    "FailedDeletion",
    "Forbidden",
    "InvalidApiKey",
    "NoAnswer",
    "NotConnected",
    "NotFound",
    "NotSent",
    "PaymentRequired",
    "RateLimited",
    "ServerError",
    "SessionConfiguration",
    "SessionStatus",
    "UnexpectedAnswer",
    "passwords_in",
]
