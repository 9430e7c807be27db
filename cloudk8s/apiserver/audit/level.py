"""How much is recorded, and when."""

from __future__ import annotations

from typing import Literal

Level = Literal["None", "Metadata", "Request", "RequestResponse"]
Stage = Literal["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"]
