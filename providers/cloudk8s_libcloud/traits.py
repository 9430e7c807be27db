"""What each compute driver can do beyond libcloud's base API, and what it calls it. Pure data.

The base API has no user data, tags, tokens or networks; every driver that has them has arguments of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class DriverTraits:
    """Names of arguments of `create_node` and of keys in `extra`; empty where the driver has none."""

    user_data: str = ""
    tags: str = ""
    tags_in_extra: str = ""
    token: str = ""
    zone_in_extra: str = ""
    type_in_extra: str = ""
    user_data_bytes: int = 16384
    set_tags: str = ""
    """Method that tags a node which exists."""
    sets_all_tags: bool = False
    """That method takes away tags which it is not given."""

    key_pair: str = ""
    """Takes the name of a key pair."""
    security_groups: str = ""
    """Takes names of security groups."""
    security_group_ids: str = ""
    """Takes ids of security groups, for machines in a subnet."""
    subnet: str = ""
    """Names the subnet."""
    id_in_extra: str = ""
    """Where the lasting id is, if a node's own id is another one after each start."""
    terminated: Literal["gone", "shutdown"] = "shutdown"
    """What a machine is that is listed as terminated: many drivers say so of one that is only switched off."""

    @property
    def can_own(self) -> bool:
        """Whether a machine can be marked as a cluster's when it is made."""
        return bool(self.tags and self.tags_in_extra)


EC2 = DriverTraits(
    user_data="ex_userdata", tags="ex_metadata", tags_in_extra="tags", token="ex_clienttoken",
    zone_in_extra="availability", type_in_extra="instance_type", set_tags="ex_create_tags",
    terminated="gone", key_pair="ex_keyname", security_groups="ex_security_groups",
    security_group_ids="ex_security_group_ids", subnet="ex_subnet",
)  # fmt: skip
OPENSTACK = DriverTraits(
    user_data="ex_userdata", tags="ex_metadata", tags_in_extra="metadata", zone_in_extra="availability_zone",
    type_in_extra="flavorId", user_data_bytes=65535, set_tags="ex_set_metadata", sets_all_tags=True,
    terminated="gone", key_pair="ex_keyname",
)  # fmt: skip
AZURE = DriverTraits(
    user_data="ex_customdata",
    tags="ex_tags",
    tags_in_extra="tags",
    zone_in_extra="location",
    user_data_bytes=65535,
    set_tags="ex_create_tags",
    sets_all_tags=True,
    terminated="gone",
)
GCE = DriverTraits(
    tags="ex_labels", tags_in_extra="labels", user_data_bytes=0, set_tags="ex_set_node_labels", sets_all_tags=True
)
CLOUDSTACK = DriverTraits(
    user_data="ex_userdata",
    zone_in_extra="zone_name",
    type_in_extra="size_name",
    terminated="gone",
    key_pair="ex_keyname",
)
LIBVIRT = DriverTraits(id_in_extra="uuid")

TRAITS: Mapping[str, DriverTraits] = {
    "ec2": EC2, "outscale": EC2, "eucalyptus": EC2, "nimbus": EC2, "openstack": OPENSTACK, "rackspace": OPENSTACK,
    "ovh": OPENSTACK, "azure_arm": AZURE, "gce": GCE, "cloudstack": CLOUDSTACK, "exoscale": CLOUDSTACK,
    "auroracompute": CLOUDSTACK, "libvirt": LIBVIRT,
}  # fmt: skip


def traits_of(driver: str) -> DriverTraits:
    """The driver's traits; for a driver that nobody has described, the base API only."""
    name = driver.lower()
    return TRAITS.get(name) or (EC2 if name.startswith("ec2_") else DriverTraits())
