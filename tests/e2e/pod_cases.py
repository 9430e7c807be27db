"""Pods that end by themselves, and what must then be in their logs or their status."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.e2e.tools_image import TAG

Pod = Mapping[str, Any]
PRIVATE = "REGISTRY/team/private:1"
"""An image of a registry of the test, which asks for a login."""
CONFIG = {"greeting": "good-morning", "other": "two"}
OBJECTS: Sequence[dict[str, Any]] = (
    {"kind": "ConfigMap", "metadata": {"name": "words"}, "data": CONFIG, "binaryData": {"raw": "AP8B"}},
    {"kind": "Secret", "metadata": {"name": "hidden"}, "stringData": {"password": "sesame"}},
    {
        "kind": "Secret",
        "metadata": {"name": "login"},
        "type": "kubernetes.io/dockerconfigjson",
        "stringData": {".dockerconfigjson": '{"auths": {"REGISTRY": {"username": "me", "password": "secret"}}}'},
    },
)


@dataclass(frozen=True)
class Case:
    """One pod; `says` are patterns of its log, `shows` is asked of its object."""

    pod: Pod
    says: tuple[str, ...] = ()
    shows: Callable[[Pod], object] | None = None
    needs: str = ""
    """A feature of the default handler, as the node tells it; with `not ` before it, one that must be missing."""


def pod(script: str = "", *more: dict[str, Any], container: dict[str, Any] | None = None, **spec: Any) -> Pod:
    main: dict[str, Any] = {"name": "main", "image": TAG, "imagePullPolicy": "IfNotPresent"}
    if script:
        main["command"] = ["sh", "-c", script]
    metadata = {"labels": {"tier": "gold"}, "annotations": {"build": "two\nlines"}}
    spec = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 1,
        "containers": [{**main, **(container or {})}, *more],
    } | spec
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def variable(name: str, **origin: Any) -> dict[str, Any]:
    return {"name": name, "valueFrom": origin}


def field(path: str) -> dict[str, Any]:
    return {"fieldRef": {"fieldPath": path}}


def mounted(path: str, **more: Any) -> dict[str, Any]:
    return {"volumeMounts": [{"name": "v", "mountPath": path, **more}]}


def volume(**source: Any) -> list[dict[str, Any]]:
    return [{"name": "v", **source}]


def waits_for(reason: str) -> Callable[[Pod], bool]:
    return lambda pod: reason in str(pod["status"].get("containerStatuses", [{}])[0].get("state", {}).get("waiting"))


def ended(pod: Pod) -> Mapping[str, Any]:
    found: Mapping[str, Any] = pod["status"]["containerStatuses"][0]["state"].get("terminated") or {}
    return found


def namespace(kind: str) -> str:
    return rf"{kind}:\[{os.readlink(f'/proc/self/ns/{kind}')[len(kind) + 2 : -1]}\]"


ENV = [
    {"name": "FOO", "value": "foo"}, {"name": "BOTH", "value": "$(FOO);;$(NONE);;$$(FOO)"},
    variable("NAME", **field("metadata.name")), variable("UID_OF", **field("metadata.uid")),
    variable("LABEL", **field("metadata.labels['tier']")), variable("IP", **field("status.podIP")),
    variable("HOST", **field("status.hostIP")), variable("HOSTS", **field("status.hostIPs")),
    variable("NODE", **field("spec.nodeName")),
    variable("CPU", resourceFieldRef={"resource": "limits.cpu"}),
    variable("MEMORY", resourceFieldRef={"resource": "requests.memory", "divisor": "1Mi"}),
    variable("WORD", configMapKeyRef={"name": "words", "key": "greeting"}),
    variable("SECRET", secretKeyRef={"name": "hidden", "key": "password"}),
    variable("NOTHING", configMapKeyRef={"name": "nowhere", "key": "x", "optional": True}),
]  # fmt: skip
ENV_SAYS = (
    "^BOTH=foo;;\\$\\(NONE\\);;\\$\\(FOO\\)$", "^NAME=env-", "^UID_OF=[0-9a-f-]{36}$", "^LABEL=gold$", r"^IP=\d+\.",
    r"^HOST=\d+\.", "^NODE=.+", "^CPU=2$", "^MEMORY=32$", "^WORD=good-morning$", "^SECRET=sesame$", "^p-greeting=good-",
    "^1-greeting=good-", r"^\$_-greeting=good-", "^#@!greeting=good-", r"^HOSTS=\d+\.",
    "^password=sesame$", r"^KUBERNETES_SERVICE_HOST=\d+", "^KUBERNETES_PORT_443_TCP_PROTO=tcp$",
)  # fmt: skip
PROJECTED = {
    "defaultMode": 0o440,
    "sources": [
        {"configMap": {"name": "words", "items": [{"key": "greeting", "path": "a/word", "mode": 0o400}]}},
        {"secret": {"name": "hidden"}},
        {"downwardAPI": {"items": [
            {"path": "labels", **field("metadata.labels")}, {"path": "notes", **field("metadata.annotations")},
            {"path": "cpu", "resourceFieldRef": {"containerName": "main", "resource": "limits.cpu", "divisor": "1m"}},
        ]}},
        {"serviceAccountToken": {"path": "token", "audience": "vault", "expirationSeconds": 600}},
    ],
}  # fmt: skip
STATUS = "grep -E 'Cap(Eff|Bnd)|NoNewPrivs|Seccomp:' /proc/self/status"
V1 = "/sys/fs/cgroup"
LIMITS = (
    f"cat {V1}/memory/memory.limit_in_bytes {V1}/memory.max {V1}/cpu/cpu.cfs_quota_us {V1}/cpu.max 2>/dev/null; true"
)
AGAIN = {"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}

CASES: Mapping[str, Case] = {
    "image-defaults": Case(pod(), ("^default$",)),
    "args-replace-the-images-command": Case(pod(container={"args": ["sh", "-c", "echo mine"]}), ("^mine$",)),
    "expansion": Case(
        pod(container={
            "command": ["sh", "-c", "echo $(GREET) $$(GREET) $(NOT)"], "env": [{"name": "GREET", "value": "hi"}],
        }), (r"^hi",),
    ),
    "env": Case(
        pod(container={
            "command": ["env"], "env": ENV,
            "envFrom": [
                {"secretRef": {"name": "hidden"}},
                *({"configMapRef": {"name": "words"}, "prefix": prefix} for prefix in ("p-", "1-", "$_-", "#@!")),
            ],
            "resources": {"limits": {"cpu": "1250m", "memory": "64Mi"}, "requests": {"cpu": "50m", "memory": "32Mi"}},
        }), ENV_SAYS,
    ),
    "missing-config": Case(
        pod("true", container={"env": [variable("X", configMapKeyRef={"name": "nowhere", "key": "x"})]}),
        shows=waits_for("CreateContainerConfigError"),
    ),
    "working-dir": Case(pod("pwd", container={"workingDir": "/tmp"}), ("^/tmp$",)),
    "user-and-groups": Case(
        pod("id -u; id -g; id -G; stat -c '%g %a' /v; touch /v/f; stat -c 'file %u %g' /v/f",
            container={"securityContext": {"runAsGroup": 2002}} | mounted("/v"), volumes=volume(emptyDir={}),
            securityContext={"runAsUser": 1001, "runAsGroup": 7, "supplementalGroups": [3000], "fsGroup": 4000}),
        ("^1001$", "^2002$", "^2002 3000 4000$", "^4000 2777$", "^file 1001 4000$"),
    ),
    "must-not-be-root": Case(
        pod("true", securityContext={"runAsNonRoot": True}), shows=waits_for("CreateContainerConfigError")
    ),
    "readonly-root": Case(
        pod("echo x > /file", container={"securityContext": {"readOnlyRootFilesystem": True}}),
        ("Read-only file system",),
    ),
    "confined": Case(
        pod(STATUS, container={"securityContext": {
            "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        }}), ("^CapEff:\\s0000000000001000$", "^NoNewPrivs:\\s1$", "^Seccomp:\\s2$"),
    ),
    "unconfined": Case(
        pod(STATUS), ("^CapEff:\\s00000000a80425fb$", "^NoNewPrivs:\\s0$", "^Seccomp:\\s0$")
    ),
    "privileged": Case(
        pod("mount -t tmpfs none /tmp && echo mounted", container={"securityContext": {"privileged": True}}),
        ("^mounted$",),
    ),
    "sysctl": Case(
        pod("cat /proc/sys/kernel/shm_rmid_forced",
            securityContext={"sysctls": [{"name": "kernel.shm_rmid_forced", "value": "1"}]}), ("^1$",)
    ),
    "unsafe-sysctl": Case(
        pod("true", securityContext={"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}),
        shows=lambda pod: pod["status"].get("reason") == "SysctlForbidden",
    ),
    "hosts": Case(
        pod("cat /etc/hosts", hostAliases=[{"ip": "123.45.67.89", "hostnames": ["foo", "bar"]}]),
        ("^# Kubernetes-managed hosts file.$", "^123.45.67.89\tfoo\tbar$"),
    ),
    "dns-of-its-own": Case(
        pod("cat /etc/resolv.conf", dnsPolicy="None", dnsConfig={
            "nameservers": ["192.0.2.1"], "searches": ["example.org"], "options": [{"name": "ndots", "value": "2"}],
        }), ("^nameserver 192.0.2.1$", "^search example.org$", "^options ndots:2$"),
    ),
    "dns-of-the-cluster": Case(
        pod("cat /etc/resolv.conf"), ("^search default.svc.cluster.local svc.cluster.local cluster.local", "ndots:5"),
    ),
    "host-name": Case(
        pod("hostname; cat /etc/hosts", hostname="web", subdomain="site", setHostnameAsFQDN=True),
        ("^web.site.default.svc.cluster.local$", "\tweb.site.default.svc.cluster.local\tweb$"),
    ),
    "namespaces-of-the-host": Case(
        pod("for n in net pid ipc; do readlink /proc/self/ns/$n; done; head -n 1 /etc/hosts",
            hostNetwork=True, hostPID=True, hostIPC=True),
        (namespace("net"), namespace("pid"), namespace("ipc")),
    ),
    "namespaces-of-its-own": Case(
        pod("test $(readlink /proc/self/ns/net) = '{}' || echo apart; ls /proc | grep -c '^[0-9]'".format(
            os.readlink("/proc/self/ns/net"))), ("^apart$", r"^\d$"),
    ),
    "shared-processes": Case(
        pod("until ps ax -o args | grep '^sleep 5$'; do sleep 0.2; done",
            {"name": "other", "image": TAG, "command": ["sleep", "5"]}, shareProcessNamespace=True),
        ("^sleep 5$",),
    ),
    "empty-dir": Case(
        pod("stat -c %a /v; grep ' /v ' /proc/mounts", container=mounted("/v"),
            volumes=volume(emptyDir={"medium": "Memory", "sizeLimit": "8Mi"})), ("^777|^1777", "tmpfs.*size=8192k"),
    ),
    "empty-dir-on-disk": Case(
        pod("stat -c %a /v", container=mounted("/v"), volumes=volume(emptyDir={})), ("^777$",)
    ),
    "config-volume": Case(
        pod("cd /v; cat greeting; echo; ls; stat -Lc %a greeting; readlink greeting; wc -c < raw",
            container=mounted("/v"), volumes=volume(configMap={"name": "words", "defaultMode": 0o640})),
        ("^good-morning$", "^other$", "^640$", "^..data/greeting$", "^3$"),
    ),
    "config-volume-that-may-be-missing": Case(
        pod("ls -a /v; echo there", container=mounted("/v"),
            volumes=volume(configMap={"name": "nowhere", "optional": True})),
        ("^there$",),
    ),
    "secret-volume": Case(
        pod("cat /v/x/y; stat -Lc ' %a' /v/x/y", container=mounted("/v", readOnly=True),
            volumes=volume(secret={
                "secretName": "hidden", "items": [{"key": "password", "path": "x/y", "mode": 0o400}]})),
        ("^sesame 400$",),
    ),
    "projected-volume": Case(
        pod("cd /v; cat a/word; echo; stat -Lc 'word %a' a/word; cat password; echo; cat labels; echo; cat notes; "
            "echo; cat cpu; echo; stat -Lc 'token %a' token; head -c 3 token", container={
                "resources": {"limits": {"cpu": "1250m"}, "requests": {"cpu": "50m"}}} | mounted("/v"),
            volumes=volume(projected=PROJECTED)),
        ("^good-morning$", "^word 400$", "^sesame$", '^tier="gold"$', r'^build="two\\nlines"$', "^1250$", "^token 440$",
         "^eyJ"),
    ),
    "sub-path-over-a-file": Case(
        pod("cat /etc/group", container=mounted("/etc/group", subPath="greeting"),
            volumes=volume(configMap={"name": "words"})), ("^good-morning$",)
    ),
    "sub-path-of-an-expression": Case(
        pod("cat /all/$NAME/f; ls /all", container={
            "env": [variable("NAME", **field("metadata.name"))], "volumeMounts": [{"name": "v", "mountPath": "/all"}],
        }, volumes=volume(emptyDir={}), initContainers=[{
            "name": "first", "image": TAG, "command": ["sh", "-c", "echo mine > /own/f"],
            "env": [variable("NAME", **field("metadata.name"))],
            "volumeMounts": [{"name": "v", "mountPath": "/own", "subPathExpr": "$(NAME)"}],
        }]), ("^mine$",),
    ),
    "sub-path-that-climbs": Case(
        pod("true", container={
            "env": [{"name": "UP", "value": ".."}],
            "volumeMounts": [{"name": "v", "mountPath": "/v", "subPathExpr": "$(UP)"}],
        }, volumes=volume(emptyDir={})), shows=waits_for("CreateContainerConfigError"),
    ),
    "host-path-made": Case(
        pod("ls -d /v; touch /v/f && echo made", container=mounted("/v"),
            volumes=volume(hostPath={"path": "TOLD/made", "type": "DirectoryOrCreate"})), ("^made$",)
    ),
    "host-path-missing": Case(
        pod("true", container=mounted("/v"), volumes=volume(hostPath={"path": "TOLD/none", "type": "File"})),
        shows=waits_for("ContainerCreating"),
    ),
    "image-volume": Case(
        pod("ls -d /v/bin/sh; touch /v/x || echo refused", container=mounted("/v"),
            volumes=volume(image={"reference": TAG, "pullPolicy": "IfNotPresent"})), ("^/v/bin/sh$", "^refused$"),
        needs="imageVolumes",
    ),
    "part-of-an-image": Case(
        pod("ls /v/sh", container=mounted("/v", subPath="bin"),
            volumes=volume(image={"reference": TAG, "pullPolicy": "IfNotPresent"})), ("^/v/sh$",),
        needs="partsOfImages",
    ),
    "readonly-all-the-way-down": Case(
        pod("touch /v/shm/cloudk8s-x || echo refused", container=mounted(
                "/v", readOnly=True, recursiveReadOnly="Enabled"), volumes=volume(hostPath={"path": "/dev"})),
        ("^refused$",), shows=lambda pod: "'recursiveReadOnly': 'Enabled'" in str(pod["status"]),
        needs="recursiveReadOnlyMounts",
    ),
    "readonly-as-far-as-it-goes": Case(
        pod("true", container=mounted("/v", readOnly=True, recursiveReadOnly="Enabled"), volumes=volume(emptyDir={})),
        shows=waits_for("CreateContainerConfigError"), needs="not recursiveReadOnlyMounts",
    ),
    "never-pulled": Case(
        pod("true", container={"image": "cloudk8s.test/none:1", "imagePullPolicy": "Never"}),
        shows=waits_for("ErrImageNeverPull"),
    ),
    "not-pullable": Case(
        pod("true", container={"image": "127.0.0.1:1/none:1"}), shows=waits_for("ImagePull")
    ),
    "image-of-a-private-registry": Case(
        pod("echo pulled", container={"image": PRIVATE, "imagePullPolicy": "Always"},
            imagePullSecrets=[{"name": "login"}]), ("^pulled$",)
    ),
    "image-without-login": Case(
        pod("true", container={"image": PRIVATE, "imagePullPolicy": "Always"}, imagePullSecrets=[{"name": "nowhere"}]),
        shows=waits_for("ImagePull"),
    ),
    "no-image-name": Case(pod("true", container={"image": "Not A Name"}), shows=waits_for("InvalidImageName")),
    "last-words": Case(
        pod("echo -n DONE > /tmp/words", container={"terminationMessagePath": "/tmp/words",
            "securityContext": {"runAsUser": 10000}}), shows=lambda pod: ended(pod).get("message") == "DONE"
    ),
    "last-words-of-the-log": Case(
        pod("echo -n DONE; exit 1", container={"terminationMessagePolicy": "FallbackToLogsOnError"}),
        shows=lambda pod: (ended(pod).get("message"), ended(pod).get("reason")) == ("DONE", "Error"),
    ),
    "no-last-words": Case(
        pod("echo -n DONE", container={"terminationMessagePolicy": "FallbackToLogsOnError"}),
        shows=lambda pod: ended(pod).get("reason") == "Completed" and "message" not in ended(pod),
    ),
    "limits": Case(
        pod(LIMITS, container={"resources": {"limits": {"memory": "64Mi", "cpu": "500m"}}}),
        (rf"^{64 << 20}$", "^50000"),
    ),
    "out-of-memory": Case(
        pod("python3 -c 'x = bytearray(300 << 20)'; exit $?", container={
            "command": ["python3", "-c", "x = bytearray(300 << 20)"],
            "resources": {"limits": {"memory": "40Mi"}, "requests": {"memory": "10Mi"}}}),
        shows=lambda pod: (ended(pod).get("reason"), ended(pod).get("exitCode")) == ("OOMKilled", 137),
    ),
    "too-much-written": Case(
        pod("head -c 5000000 /dev/zero > /big; exec sleep 1000", container={
            "resources": {"limits": {"ephemeral-storage": "1Mi"}}}),
        shows=lambda pod: pod["status"].get("reason") == "Evicted" and "phemeral" in pod["status"]["message"],
    ),
    "deadline": Case(
        pod("sleep 1000", activeDeadlineSeconds=2),
        shows=lambda pod: (pod["status"]["phase"], pod["status"].get("reason")) == ("Failed", "DeadlineExceeded"),
    ),
    "rule": Case(
        pod("test -e /v/f && exit 0; touch /v/f; exit 42",
            container={"restartPolicy": "Never", "restartPolicyRules": [AGAIN]} | mounted("/v"),
            volumes=volume(emptyDir={})),
        shows=lambda pod: pod["status"]["phase"] == "Succeeded"
        and pod["status"]["containerStatuses"][0]["restartCount"] == 1,
    ),
    "sidecar": Case(
        pod("cat /v/ready", container=mounted("/v"), volumes=volume(emptyDir={}), initContainers=[{
            "name": "side", "image": TAG, "restartPolicy": "Always",
            "command": ["sh", "-c", "sleep 1; echo up > /v/ready; exec sleep 1000"],
            "startupProbe": {"exec": {"command": ["cat", "/v/ready"]}, "periodSeconds": 1}} | mounted("/v")]),
        ("^up$",), shows=lambda pod: pod["status"]["phase"] == "Succeeded",
    ),
    "failed-init": Case(
        pod("true", initContainers=[
            {"name": "one", "image": TAG, "command": ["sh", "-c", "exit 0"]},
            {"name": "two", "image": TAG, "command": ["sh", "-c", "exit 3"]}]),
        shows=lambda pod: pod["status"]["phase"] == "Failed"
        and "[two]" in str(pod["status"]["conditions"])
        and "PodInitializing" in str(pod["status"]["containerStatuses"]),
    ),
    "post-start": Case(
        pod("until cat /tmp/hooked; do sleep 0.2; done", container={"lifecycle": {"postStart": {"exec": {
            "command": ["sh", "-c", "echo hooked > /tmp/hooked"]}}}}), ("^hooked$",)
    ),
    "http-hook": Case(
        pod("until grep hooked /v/log; do sleep 0.2; done", container={"lifecycle": {"postStart": {"httpGet": {
            "path": "/hooked", "port": 8080, "httpHeaders": [{"name": "X-From", "value": "hook"}]}}}} | mounted("/v"),
            volumes=volume(emptyDir={}), initContainers=[{
                "name": "side", "image": TAG, "restartPolicy": "Always",
                "command": ["sh", "-c", "exec python3 -u -m http.server 8080 2> /v/log"],
                "startupProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1, "failureThreshold": 30},
            } | mounted("/v")]), ("GET /hooked HTTP",),
    ),
    "sleep-hook": Case(
        pod("exec sleep 1000", container={"lifecycle": {
            "preStop": {"sleep": {"seconds": 1}}, "postStart": {"sleep": {"seconds": 1}}}}),
        shows=lambda pod: pod["status"]["phase"] == "Running",
    ),
    "root-of-the-host": Case(
        pod("ls -d /host/usr /host/proc", container=mounted("/host", readOnly=True),
            volumes=volume(hostPath={"path": "/"}), hostNetwork=True, hostPID=True, hostIPC=True), ("^/host/usr$",),
    ),
    "bad-hook": Case(
        pod("sleep 1000", container={"lifecycle": {"postStart": {"exec": {"command": ["sh", "-c", "exit 1"]}}}}),
        shows=lambda pod: pod["status"]["phase"] == "Failed",
    ),
    "users-of-another-kind": Case(
        pod("true", hostUsers=False), shows=waits_for("ContainerCreating"), needs="not userNamespaces"
    ),
    "own-users": Case(
        pod("id -u; cat /proc/self/uid_map; touch /v/mine; stat -c '%n %u:%g' /v/* /c/greeting /etc/hosts /bin; "
            "stat -L -c 'token %u' /var/run/secrets/kubernetes.io/serviceaccount/token; "
            "python3 -c 'import os; os.chown(\"/v/mine\", 1234, 5678)' && "
            "stat -c 'given %u:%g' /v/mine; readlink /proc/self/ns/user; cat /v/old; echo x > /dev/stderr",
            container={"volumeMounts": [{"name": "v", "mountPath": "/v"}, {"name": "c", "mountPath": "/c"}]},
            initContainers=[{"name": "before", "image": TAG, "command": ["sh", "-c", "echo before > /v/old"],
                             "securityContext": {"runAsUser": 1000}} | mounted("/v")],
            volumes=[*volume(emptyDir={}), {"name": "c", "configMap": {"name": "words"}}], hostUsers=False,
            securityContext={"fsGroup": 2000}),
        ("^0$", r"^ +0 +[1-9]\d{4,} +65536$", "^/v/mine 0:2000$", "^/v/old 1000:2000$", "^/c/greeting 0:0$",
         "^/etc/hosts 0:0$", "^/bin 0:0$", "^token 0$", "^given 1234:5678$", "^before$",
         rf"^(?!{namespace('user')})user:", "^x$"),
        needs="userNamespaces",
    ),
}  # fmt: skip
EVENTS: Mapping[str, tuple[str, str]] = {
    "host-path-missing": ("FailedMount", "hostPath type check failed"),
    "users-of-another-kind": ("FailedCreatePodSandBox", "user namespaces"),
    "bad-hook": ("FailedPostStartHook", ""),
    "not-pullable": ("Failed", "127.0.0.1:1"),
    "image-of-a-private-registry": ("Pulled", "Successfully pulled image"),
    "image-without-login": ("FailedToRetrieveImagePullSecret", "(nowhere)"),
    "env": ("Started", "Started container main"),
    "missing-config": ("Failed", 'configmap "nowhere" not found'),
}
"""What an event of some of them says."""
