"""Every hook there is.

All hooks are synchronous and called once, at assembly, never from inside a control loop. The six cloud hooks are called
on one plugin only: the provider that a configured cloud names. A `plugin.py` imports no SDK at module level: import
inside the hook, where only those pay who use the provider.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pluggy

from cloudk8s.cloud.directory import CloudController
from cloudk8s.cloud.interface import Instances, LoadBalancers, Machines, Networks, Routes, Volumes
from cloudk8s.cloud.model.cloud import Cloud

if TYPE_CHECKING:
    from pydantic import BaseModel

    from cloudk8s.plugin.registries import (
        AdmissionPlugins,
        Authenticators,
        Authorizers,
        BootstrapMethods,
        Commands,
        Controllers,
        Runtimes,
        SchedulerPlugins,
        StorageBackends,
    )

PROJECT = "cloudk8s"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def cloudk8s_settings() -> type[BaseModel] | None:
    """The provider's settings model.

    When: a cloud is configured, and for `--help`, `provider describe` and the documentation.
    Do: return a pydantic model whose fields all have docstrings, and defaults where there can be one.
    Parameters: none.
    Result: the model class; None where the plugin is not a cloud provider.
    Since: 0.1.
    Example::

        @hookimpl
        def cloudk8s_settings():
            from mycloud.settings import MyCloudSettings
            return MyCloudSettings
    """


@hookspec
def cloudk8s_instances(cloud: Cloud[Any]) -> Instances | None:
    """What runs the nodes.

    When: the cloud controllers are assembled, once for each cloud that uses this provider.
    Do: build the object; make no API call yet.
    Parameters: `cloud`: its name, its validated settings, the cluster's id, a clock.
    Result: an `Instances`; None skips the node and node-lifecycle controllers for this cloud.
    Since: 0.1.
    Example::

        @hookimpl
        def cloudk8s_instances(cloud):
            from mycloud.instances import MyInstances
            return MyInstances(cloud.settings, cluster=cloud.cluster)
    """


@hookspec
def cloudk8s_routes(cloud: Cloud[Any]) -> Routes | None:
    """Routes of pod ranges to nodes.

    When: the cloud controllers are assembled, once for each cloud that uses this provider.
    Do: build the object; make no API call yet.
    Parameters: `cloud`: its name, its validated settings, the cluster's id, a clock.
    Result: a `Routes`; None skips the route controller for this cloud.
    Since: 0.1.
    Example::

        @hookimpl
        def cloudk8s_routes(cloud):
            return None  # the pod network needs no routes here
    """


@hookspec
def cloudk8s_load_balancers(cloud: Cloud[Any]) -> LoadBalancers | None:
    """Load balancers of Services.

    When: the cloud controllers are assembled, once for each cloud that uses this provider.
    Do: build the object; make no API call yet. Declare in `capabilities` what it can't do: the core refuses it.
    Parameters: `cloud`: its name, its validated settings, the cluster's id, a clock.
    Result: a `LoadBalancers`; None skips the service controller for this cloud.
    Since: 0.1.
    Example::

        @hookimpl
        def cloudk8s_load_balancers(cloud):
            from mycloud.load_balancers import MyLoadBalancers
            return MyLoadBalancers(cloud.settings, cluster=cloud.cluster)
    """


@hookspec
def cloudk8s_machines(cloud: Cloud[Any]) -> Machines | None:
    """Virtual machines.

    When: the provisioning layer is assembled for a cluster on this cloud.
    Do: build the object; make no API call yet.
    Parameters: `cloud`: its name, its validated settings, the cluster's id, a clock.
    Result: a `Machines`; None means that clusters can't be provisioned here.
    Since: 0.1.
    Example::

        @hookimpl
        def cloudk8s_machines(cloud):
            from mycloud.machines import MyMachines
            return MyMachines(cloud.settings)
    """


@hookspec
def cloudk8s_networks(cloud: Cloud[Any]) -> Networks | None:
    """A cluster's network, firewall and API endpoint.

    When: the provisioning layer is assembled for a cluster on this cloud.
    Do: build the object; make no API call yet.
    Parameters: `cloud`: its name, its validated settings, the cluster's id, a clock.
    Result: a `Networks`; None means that machines are made in whatever network the account has.
    Since: 0.1.
    Example::

        @hookimpl
        def cloudk8s_networks(cloud):
            from mycloud.networks import MyNetworks
            return MyNetworks(cloud.settings)
    """


@hookspec
def cloudk8s_volumes(cloud: Cloud[Any]) -> Volumes | None:
    """Block volumes.

    When: the volume controllers are assembled, once for each cloud that uses this provider.
    Do: build the object; make no API call yet.
    Parameters: `cloud`: its name, its validated settings, the cluster's id, a clock.
    Result: a `Volumes`; None means that this cloud provisions no volumes.
    Since: 0.1.
    Example::

        @hookimpl
        def cloudk8s_volumes(cloud):
            from mycloud.volumes import MyVolumes
            return MyVolumes(cloud.settings)
    """


@hookspec
def cloudk8s_controllers(cloud: Cloud[Any]) -> Sequence[CloudController] | None:
    """Controllers that only this cloud needs: of its own custom resources, its Ingresses, its tags.

    When: the cloud controllers are assembled, once for each cloud that uses this provider.
    Do: return what can run; make no API call yet.
    Parameters: `cloud`: its name, its validated settings, the cluster's id, a clock.
    Result: `CloudController`s; none where there are none. They run in the cloud-controller-manager, and are chosen by
    `--controllers` like all others.
    Since: 0.1.
    Example::

        @hookimpl
        def cloudk8s_controllers(cloud):
            from mycloud.floating import make_controller
            return [CloudController("floating-address-controller", make_controller)]
    """


@hookspec
def cloudk8s_permissions() -> Mapping[str, Any] | None:
    """The least that an account must allow, so that clusters can be made in it.

    When: `cloudk8s provider iam-policy NAME`.
    Do: return a document in the cloud's own form; make no API call.
    Parameters: none.
    Result: the document; None where the provider has nothing to say about permissions.
    Since: 0.1.
    Example::

        @hookimpl
        def cloudk8s_permissions():
            from mycloud.permissions import policy
            return policy()
    """


@hookspec
def cloudk8s_offline_instances(cloud: Cloud[Any], nodes: Sequence[str]) -> None:
    """Instances in an emulated account, for nodes that run elsewhere.

    When: `cloudk8s up --offline` starts, before the cloud controllers do; never for a real account.
    Do: make what a real account has and a fresh emulator has not (a network with a way out, say), and one instance for
    each node, so that the node's name leads to it. Keep what is there.
    Parameters: `cloud`: its name, its validated settings, the cluster's id, a clock. `nodes`: names of the nodes.
    Result: none.
    Since: 0.1.
    Example::

        @hookimpl
        def cloudk8s_offline_instances(cloud, nodes):
            from mycloud.offline import make_instances
            make_instances(cloud.settings, cluster=cloud.cluster, nodes=nodes)
    """


@hookspec
def register_storage_backends(registry: StorageBackends) -> None:
    """Where objects live.

    When: a store is opened, and for `plugin list`.
    Do: register a factory for each URL scheme.
    Parameters: `registry`: takes a name (the scheme) and a factory.
    Result: none; a name that is taken is an error that names both plugins.
    Since: 0.1.
    Example::

        @hookimpl
        def register_storage_backends(registry):
            registry.register("redis", open_redis, description="redis://host:port")
    """


@hookspec
def register_runtimes(registry: Runtimes) -> None:
    """How a node runs containers.

    When: a node agent is assembled, and for `plugin list`.
    Do: register a factory for each runtime.
    Parameters: `registry`: takes a name (for `--runtime`) and a factory, which is called with a directory for the
    runtime's state, and `node_name`, `clock`, `endpoint`, `cluster_cidrs`; what it returns fulfils
    `cloudk8s.node.runtimes.interface.Runtime`.
    Result: none; a name that is taken is an error that names both plugins.
    Since: 0.1.
    Example::

        @hookimpl
        def register_runtimes(registry):
            registry.register("firecracker", make_runtime)  # make_runtime(directory, *, node_name, clock, **_)
    """


@hookspec
def register_controllers(registry: Controllers) -> None:
    """Control loops that run in the controller manager.

    When: the controller manager is assembled.
    Do: register a factory for each controller; `cloudk8s.plugin.provisioner` has what those of volumes need.
    Parameters: `registry`: takes a name (for `--controllers`) and a factory that is given a `ControllerContext`.
    Result: none; a name that is taken is an error that names both plugins.
    Since: 0.1.
    Example::

        @hookimpl
        def register_controllers(registry):
            registry.register("backup", BackupController)
    """


@hookspec
def register_scheduler_plugins(registry: SchedulerPlugins) -> None:
    """Filters, scores and other extension points of the scheduler.

    When: the scheduler is assembled.
    Do: register a factory for each plugin; what a plugin may implement is in `cloudk8s.plugin.scheduler`.
    Parameters: `registry`: takes a name (for profiles) and a factory of arguments and a `Handle`.
    Result: none; a name that is taken is an error that names both plugins.
    Since: 0.1.
    Example::

        @hookimpl
        def register_scheduler_plugins(registry):
            registry.register("Deadline", DeadlinePlugin)
    """


@hookspec
def register_admission_plugins(registry: AdmissionPlugins) -> None:
    """What may change or refuse a write before it is stored.

    When: the API server is assembled.
    Do: register a factory for each plugin.
    Parameters: `registry`: takes a name (for `--enable-admission-plugins`) and a factory.
    Result: none; a name that is taken is an error that names both plugins.
    Since: 0.1.
    Example::

        @hookimpl
        def register_admission_plugins(registry):
            registry.register("RequireOwner", RequireOwner)
    """


@hookspec
def register_authenticators(registry: Authenticators) -> None:
    """Who sends a request.

    When: the API server is assembled.
    Do: register a factory for each authenticator.
    Parameters: `registry`: takes a name and a factory.
    Result: none; a name that is taken is an error that names both plugins.
    Since: 0.1.
    Example::

        @hookimpl
        def register_authenticators(registry):
            registry.register("ldap", LdapAuthenticator)
    """


@hookspec
def register_authorizers(registry: Authorizers) -> None:
    """Who may do what.

    When: the API server is assembled.
    Do: register a factory for each authorizer.
    Parameters: `registry`: takes a name (for `--authorization-mode`) and a factory.
    Result: none; a name that is taken is an error that names both plugins.
    Since: 0.1.
    Example::

        @hookimpl
        def register_authorizers(registry):
            registry.register("Office-Hours", OfficeHours)
    """


@hookspec
def register_bootstrap_methods(registry: BootstrapMethods) -> None:
    """How a fresh machine becomes a node.

    When: the provisioning layer is assembled.
    Do: register a factory for each method.
    Parameters: `registry`: takes a name (for `bootstrap:` in a cluster file) and a factory.
    Result: none; a name that is taken is an error that names both plugins.
    Since: 0.1.
    Example::

        @hookimpl
        def register_bootstrap_methods(registry):
            registry.register("rke2", Rke2Bootstrap)
    """


@hookspec
def register_commands(registry: Commands) -> None:
    """Commands of the command line.

    When: the command line is assembled.
    Do: register a typer application or a function for each command.
    Parameters: `registry`: takes a name (the command) and a typer application or a plain function.
    Result: none; a name that is taken is an error that names both plugins.
    Since: 0.1.
    Example::

        @hookimpl
        def register_commands(registry):
            registry.register("cost", show_cost, description="what this cluster costs")
    """
