"""`cloudk8s cluster`: clusters in a cloud, from a declaration to joined nodes and back to nothing."""

from __future__ import annotations

import typer

from cloudk8s.cli.cluster.apply import apply
from cloudk8s.cli.cluster.autoscale import autoscale
from cloudk8s.cli.cluster.create import create
from cloudk8s.cli.cluster.delete import delete
from cloudk8s.cli.cluster.describe import describe
from cloudk8s.cli.cluster.explain import explain
from cloudk8s.cli.cluster.history import history
from cloudk8s.cli.cluster.kubeconfig import kubeconfig
from cloudk8s.cli.cluster.listing import list_clusters
from cloudk8s.cli.cluster.manage import manage
from cloudk8s.cli.cluster.plan import plan
from cloudk8s.cli.cluster.scale import scale
from cloudk8s.cli.cluster.schema import schema
from cloudk8s.cli.cluster.undo import undo
from cloudk8s.cli.cluster.upgrade import upgrade

cluster = typer.Typer(no_args_is_help=True, help="Make, change and delete clusters in a cloud.", rich_markup_mode=None)
cluster.command("create")(create)
cluster.command("plan")(plan)
cluster.command("apply")(apply)
cluster.command("list")(list_clusters)
cluster.command("describe")(describe)
cluster.command("scale")(scale)
cluster.command("explain")(explain)
cluster.command("autoscale")(autoscale)
cluster.command("manage")(manage)
cluster.command("upgrade")(upgrade)
cluster.command("history")(history)
cluster.command("undo")(undo)
cluster.command("delete")(delete)
cluster.command("kubeconfig")(kubeconfig)
cluster.command("schema")(schema)
