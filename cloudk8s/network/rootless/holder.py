"""The process that holds such a host, in two network namespaces: `node`, where nodes and pods are, and `exit`.

All that leaves `node` arrives in `exit`, where every TCP connection is led to one listening socket and raw sockets read
the rest. Who asks the holder over its Unix socket gets sockets that belong to either namespace, and serves them from
outside. Standard library only:
`python holder.py DIRECTORY GATEWAY/LENGTH NODE INSIDE_RANGES OWN_ADDRESS USERS GROUPS`, the last two as `FIRST:COUNT`
of the ids that the user may give away, or empty.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

SOCKET = "host.sock"
RECORD = "host.json"
_NEWNS, _NEWUSER, _NEWNET = 0x20000, 0x10000000, 0x40000000
_MS_SLAVE_REC = 0x80000 | 0x4000
_KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
_PACKETS = {"udp packets": socket.IPPROTO_UDP, "icmp packets": socket.IPPROTO_ICMP}
_IP_TRANSPARENT = 19
_TABLE = 100
OWN_MARK = 1
"""Mark of packets that are written as packets; those of the kernel have none."""
_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Make the namespaces, say so, and serve until killed."""
    directory, gateway, node, ranges, own, users, groups = sys.argv[1:]
    os.chdir(directory)
    _become_root(users, groups)
    node_namespace = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    exit_namespace = _second_namespace()
    _set_up_node(gateway.partition("/")[0], f"{node}/{gateway.partition('/')[2]}", ranges.split(","), own)
    _enter(exit_namespace)
    _set_up_exit(gateway, node, ranges.split(","))
    _enter(node_namespace)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    listener = _listen()
    _record()
    print("ready", flush=True)
    _leave_output()
    while True:
        connection, _ = listener.accept()
        with connection:
            _serve(connection, {"node": node_namespace, "exit": exit_namespace})


def _serve(connection: socket.socket, namespaces: dict[str, int]) -> None:
    try:
        request = json.loads(connection.recv(65536))
        _enter(namespaces[request["where"]])
        try:
            answer, fds = _answer(request)
        finally:
            _enter(namespaces["node"])
    except (OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
        answer, fds = {"error": str(error), "errno": getattr(error, "errno", None)}, []
    try:
        socket.send_fds(connection, [json.dumps(answer).encode()], [each.fileno() for each in fds])
    except OSError:
        return  # who asked has gone
    finally:
        for each in fds:
            each.close()


def _answer(request: dict[str, Any]) -> tuple[dict[str, Any], list[socket.socket]]:
    if "rules" in request:
        done = subprocess.run(["nft", "-f", "-"], input=request["rules"], capture_output=True, text=True, timeout=60)
        return ({"error": done.stderr, "errno": None} if done.returncode else {"output": done.stdout}), []
    if request["kind"] in _PACKETS:
        return {}, [_packet_socket(_PACKETS[request["kind"]])]
    made = socket.socket(socket.AF_INET, _KINDS[request["kind"]])
    if "source" in request:
        made.setsockopt(socket.SOL_IP, _IP_TRANSPARENT, 1)
        made.bind((request["source"], 0))
    if "bind" in request:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(tuple(request["bind"]))
        if request["kind"] == "tcp":
            made.listen(1024)
    return {}, [made]


def _packet_socket(protocol: int) -> socket.socket:
    """A socket that reads whole packets of a protocol, and writes them with any source address."""
    made = socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol)
    made.setsockopt(socket.SOL_IP, _IP_TRANSPARENT, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, OWN_MARK)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    return made


def _become_root(users: str, groups: str) -> None:
    """Be root of new namespaces, in which there are other users only if the host gives this one some."""
    uid, gid = os.geteuid(), os.getegid()
    mapped = _mapping_helper(f"{uid} 1 {users}", f"{gid} 1 {groups}") if users and groups else None
    _call(_libc.unshare, _NEWUSER | _NEWNS | _NEWNET)
    if mapped is None or not mapped():
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
    _call(_libc.mount, b"", b"/", None, ctypes.c_ulong(_MS_SLAVE_REC), None)


def _mapping_helper(users: str, groups: str) -> Callable[[], bool]:
    """A child that stays outside, and writes the maps of this process when the returned function is called."""
    go, target = os.pipe(), str(os.getpid())
    pid = os.fork()
    if pid == 0:
        os.close(go[1])
        os.read(go[0], 1)
        for program, ids in (("newuidmap", users), ("newgidmap", groups)):
            own, _, first, count = ids.replace(":", " ").split()
            done = subprocess.run([program, target, "0", own, "1", "1", first, count], capture_output=True)
            if done.returncode:
                os._exit(1)
        os._exit(0)
    os.close(go[0])

    def write() -> bool:
        os.close(go[1])
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0

    return write


def _second_namespace() -> int:
    """A second network namespace with a cable to this one: `exit0` there, `uplink` here."""
    ready, go = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        _call(_libc.unshare, _NEWNET)
        os.write(ready[1], b"x")
        os.close(go[1])
        os.read(go[0], 1)
        os._exit(0)
    os.close(ready[1])
    if os.read(ready[0], 1) != b"x":
        raise OSError("a second network namespace could not be made")
    found = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    _ip(f"link add uplink type veth peer name exit0 netns {pid}")
    for fd in (ready[0], *go):
        os.close(fd)
    os.waitpid(pid, 0)
    return found


def _set_up_node(gateway: str, node: str, ranges: list[str], own: str) -> None:
    _ip("link set lo up", f"address add {node} dev uplink", "link set uplink up", f"route add default via {gateway}")
    if own:
        _ip(f"address add {own}/32 dev lo")
    _let_through("uplink", ranges)


def _set_up_exit(gateway: str, node: str, ranges: list[str]) -> None:
    _ip("link set lo up", f"address add {gateway} dev exit0", "link set exit0 up", f"route add default via {node}")
    _let_through("exit0", ranges)
    _take_everything("exit0")


def _take_everything(interface: str) -> None:
    """Whatever arrives is for this namespace, wherever it was going: its sockets see it, and answer pings too."""
    _ip(f"rule add iif {interface} lookup {_TABLE}", f"route add local default dev lo table {_TABLE}")
    _switch("icmp_echo_ignore_all")


def _let_through(interface: str, ranges: list[str]) -> None:
    """Route, also what goes to parts of 127.0.0.0/8 that are not this host's own loopback but the cluster's."""
    _switch("ip_forward")
    if any(text.startswith("127.") for text in ranges):
        for name in ("all", "default", interface):
            _switch(f"conf/{name}/route_localnet")
        _ip(
            "route add local 127.0.0.0/10 dev lo table local proto kernel scope host src 127.0.0.1",
            "route del local 127.0.0.0/8 dev lo table local",
        )


def _switch(name: str) -> None:
    with open(f"/proc/sys/net/ipv4/{name}", "w", encoding="ascii") as file:
        file.write("1")


def _listen() -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    if os.path.lexists(SOCKET):
        os.unlink(SOCKET)
    listener.bind(SOCKET)
    os.chmod(SOCKET, 0o600)
    listener.listen(256)
    return listener


def _record() -> None:
    with open("/proc/self/stat", encoding="utf-8", errors="replace") as file:
        started = file.read().rpartition(")")[2].split()[19]
    with open(f"{RECORD}.new", "w", encoding="ascii") as file:
        json.dump({"pid": os.getpid(), "started": started}, file)
    os.rename(f"{RECORD}.new", RECORD)


def _leave_output() -> None:
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.close(null)


def _enter(namespace: int) -> None:
    _call(_libc.setns, namespace, _NEWNET)


def _ip(*commands: str) -> None:
    done = subprocess.run(["ip", "-batch", "-"], input="\n".join(commands), capture_output=True, text=True, timeout=30)
    if done.returncode:
        raise OSError(f"ip: {done.stderr.strip()}")


def _call(function: Callable[..., int], *arguments: object) -> None:
    if function(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, f"{getattr(function, '__name__', 'call')}: {os.strerror(number)}")


if __name__ == "__main__":
    main()
