"""What may be chosen, in the API's words and ours: for type checkers, and for the checks of the inputs."""

from typing import Literal

LiveStatus = Literal["pending", "processing", "completed", "failed", "cancelled"]
"""The API's words for a batch."""
Status = Literal["active", "cancelled", "deleted"]
"""What a batch is to be."""
OnDestroy = Literal["delete", "cancel", "end_sessions"]
"""What destroying a batch does."""
IfCompleted = Literal["end_sessions", "delete", "accept", "fail"]
"""What a cancel does that the API refuses because creation had finished."""
OnMissing = Literal["keep", "recreate"]
"""What a refresh does when the API no longer knows a batch."""
Action = Literal["cancel", "delete", "end_sessions"]
"""What a cleanup does with each batch."""
When = Literal["apply", "destroy", "both"]
"""When a cleanup runs."""
OnFailure = Literal["error", "warn"]
"""What becomes of a cleanup that could not deal with a batch."""
