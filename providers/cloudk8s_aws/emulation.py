"""What AWS does and moto leaves out, for tests in process.

Listings by tag are whole, subnets let go of tables, and the default group of a VPC lets its members reach each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def completed() -> Iterator[None]:
    """Moto with what it lacks, until the end."""
    from moto.ec2.models import EC2Backend

    backend: Any = EC2Backend
    listing, deletion, making = backend.iter_tagged_resources, backend.delete_subnet, backend.create_vpc
    backend.iter_tagged_resources = _with_what_is_missing(listing)
    backend.delete_subnet = _with_associations(deletion)
    backend.create_vpc = _with_open_group(making)
    try:
        yield
    finally:
        backend.iter_tagged_resources, backend.delete_subnet, backend.create_vpc = listing, deletion, making


def _with_what_is_missing(listing: Any) -> Any:
    """`GetResources` of AWS lists addresses, endpoints, templates, classic load balancers and rules of events too."""
    from moto.core.resource_tagging import TaggedResource
    from moto.elb.models import elb_backends
    from moto.events.models import events_backends

    def iterate(self: Any) -> Iterator[Any]:
        yield from listing(self)
        living = [(id, entry) for id, entry in self.vpc_end_points.items() if entry.state != "deleted"]
        more = [("elastic-ip", entry.allocation_id) for entry in self.addresses]
        more += [("vpc-endpoint", id) for id, _ in living]
        more += [("launch-template", id) for id in self.launch_templates]
        for kind, id in more:
            arn = f"arn:{self.partition}:ec2:{self.region_name}:{self.account_id}:{kind}/{id}"
            yield TaggedResource(arn=arn, tags=dict(self.tags.get(id, {})), resource_type=f"ec2:{kind}")
        for name, entry in elb_backends[self.account_id][self.region_name].load_balancers.items():
            arn = f"arn:{self.partition}:elasticloadbalancing:{self.region_name}:{self.account_id}:loadbalancer/{name}"
            yield TaggedResource(arn=arn, tags=dict(entry.tags), resource_type="elasticloadbalancing:loadbalancer")
        events = events_backends[self.account_id][self.region_name]
        for rule in events.event_buses["default"].rules.values():
            tags = events.tagger.get_tag_dict_for_resource(rule.arn)
            yield TaggedResource(arn=rule.arn, tags=tags, resource_type="events:rule")

    return iterate


def _with_associations(deletion: Any) -> Any:
    """A subnet that goes takes its association with a route table along."""

    def delete(self: Any, subnet_id: str) -> Any:
        deleted = deletion(self, subnet_id)
        for table in self.route_tables.values():
            table._associations = {id: other for id, other in table._associations.items() if other != subnet_id}
        return deleted

    return delete


def _with_open_group(making: Any) -> Any:
    """The default group of a VPC that somebody makes lets in what comes from itself."""

    def make(self: Any, *args: Any, **more: Any) -> Any:
        vpc = making(self, *args, **more)
        group = self.get_default_security_group(vpc.id)
        # the account's own one stays as it is; where accounts are nested, the inner one did it
        if not vpc.is_default and not group.ingress_rules:
            self.authorize_security_group_ingress(
                group.id, "-1", None, None, [], source_groups=[{"GroupId": group.id}], vpc_id=vpc.id
            )
        return vpc

    return make
