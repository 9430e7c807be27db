"""Settings of Mycloud."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, PrivateAttr

from mycloud.api import Api


class MycloudSettings(BaseModel):
    """One account."""

    model_config = ConfigDict(extra="forbid")

    region: str = "here"
    """Region of the account."""

    _api: Api | None = PrivateAttr(default=None)

    @property
    def api(self) -> Api:
        """The connection, shared by all contracts."""
        if self._api is None:
            self._api = Api(self.region)
        return self._api
