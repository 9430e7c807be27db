"""Drivers with their deviations put right, by subclassing: nothing of libcloud itself is changed.

- Emulators of EC2 answer in a namespace without its trailing slash, and the driver then finds nothing at all, silently.
- The EC2 driver numbers tags from 0; emulators (and the documentation) want them from 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def ec2_for_emulators(driver_class: Any) -> Any:
    """The EC2 driver class for an emulator's endpoint."""
    from libcloud.compute.drivers import ec2

    full = ec2.NAMESPACE
    bare = full.rstrip("/")

    class Response(ec2.EC2Response):
        def parse_body(self) -> Any:
            if isinstance(self.body, str):
                self.body = self.body.replace(f'xmlns="{bare}"', f'xmlns="{full}"')
            return super().parse_body()  # type: ignore[no-untyped-call]

    class Connection(ec2.EC2Connection):
        responseCls = Response

    class Emulated(driver_class):  # type: ignore[misc]
        connectionCls = Connection

        def ex_create_tags(self, resource: Any, tags: Mapping[str, str]) -> Any:
            parameters = {"Action": "CreateTags", "ResourceId.1": resource.id}
            for number, (key, value) in enumerate(tags.items(), start=1):
                parameters |= {f"Tag.{number}.Key": key, f"Tag.{number}.Value": value}
            return self._get_boolean(self.connection.request(self.path, params=parameters).object)

    return Emulated
