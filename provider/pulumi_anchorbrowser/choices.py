"""What may be chosen, in the API's words and ours: for type checkers, and for the checks of the inputs."""

from typing import Literal

LiveStatus = Literal["pending", "processing", "completed", "failed", "cancelled"]
"""The API's words for a batch."""
Status = Literal["active", "cancelled", "deleted"]
"""The desired status of a batch."""
OnDestroy = Literal["delete", "cancel", "end_sessions"]
"""What destroying a batch does."""
IfCompleted = Literal["end_sessions", "delete", "accept", "fail"]
"""What to do if the API refuses a cancel because every session was created."""
OnMissing = Literal["keep", "recreate"]
"""What a refresh does if the API no longer knows the batch."""
Action = Literal["cancel", "delete", "end_sessions"]
"""What a cleanup does with each batch."""
When = Literal["apply", "destroy", "both"]
"""When a cleanup runs."""
OnFailure = Literal["error", "warn"]
"""Whether batches that could not be stopped are an error or a warning."""
What = Literal["batches", "sessions", "all"]
"""What a cleanup selects."""

ANY = "any"
"""In place of an owner: batches of every owner match."""
DEFAULT_LIMIT = 100
"""With more matches, a cleanup does nothing."""
