"""The real kubectl against one kubeconfig."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Kubectl:
    """Calling it runs a command that has to succeed, and answers what a user would see."""

    kubeconfig: Path
    prefix: tuple[str, ...] = ()

    def __call__(self, *arguments: str, stdin: str = "", timeout: float = 60) -> str:
        done = self.run(*arguments, stdin=stdin, timeout=timeout)
        if done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(arguments)} → {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def run(self, *arguments: str, stdin: str = "", timeout: float = 60) -> subprocess.CompletedProcess[str]:
        command = [*self.prefix, "kubectl", "--kubeconfig", str(self.kubeconfig), *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=timeout, check=False)

    def json(self, *arguments: str) -> Any:
        """What `kubectl get … -o json` answers."""
        return json.loads(self("get", *arguments, "-o", "json"))

    def items(self, *arguments: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.json(*arguments)["items"]
        return found

    def names(self, *arguments: str) -> list[str]:
        return [each["metadata"]["name"] for each in self.items(*arguments)]

    def apply(self, *objects: dict[str, Any], namespace: str = "default") -> str:
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        return self("-n", namespace, "apply", "-f", "-", stdin=text)

    def has(self, group_version: str, plural: str) -> bool:
        """Whether the server serves a resource."""
        path = f"/apis/{group_version}" if "/" in group_version else f"/api/{group_version}"
        done = self.run("get", "--raw", path)
        return done.returncode == 0 and any(each["name"] == plural for each in json.loads(done.stdout)["resources"])
