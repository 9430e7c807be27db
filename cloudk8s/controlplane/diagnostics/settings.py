"""What a user may say about the port of a component. Upstream's names and defaults, but for the address."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field


class ServingSettings(BaseModel):
    """The port of a component: health, metrics, settings and status over HTTPS."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bind_address: str = "127.0.0.1"
    """Address of the port; 0.0.0.0 or :: for all."""
    secure_port: int = Field(default=0, ge=0, le=65535)
    """Port of health, metrics, settings and status, over HTTPS; 0 serves none."""
    tls_cert_file: Path | None = None
    """Certificate to serve with; self-signed if empty."""
    tls_private_key_file: Path | None = None
    """Key of that certificate."""
    tls_min_version: str = "VersionTLS12"
    """The oldest TLS that is spoken: VersionTLS12 or VersionTLS13."""
    tls_cipher_suites: tuple[str, ...] = ()
    """Cipher suites of TLS 1.2, by Go's names; those of OpenSSL's defaults if empty."""
    cert_dir: Path | None = None
    """Where the self-signed certificate is kept; in memory if empty."""
    client_ca_file: Path | None = None
    """Who signs certificates of clients; what the cluster publishes if empty."""
    authentication_kubeconfig: Path | None = None
    """Cluster that is asked about tokens; the component's if empty."""
    authentication_skip_lookup: bool = False
    """Do not look up in the cluster who signs certificates of clients."""
    authentication_token_webhook_cache_ttl: timedelta = timedelta(seconds=10)
    """How long an answer about a token holds."""
    authorization_kubeconfig: Path | None = None
    """Cluster that is asked what a user may; the component's if empty."""
    authorization_always_allow_paths: tuple[str, ...] = ("/healthz", "/readyz", "/livez")
    """Paths that everybody may ask for."""
    authorization_webhook_cache_authorized_ttl: timedelta = timedelta(seconds=10)
    """How long a permission holds."""
    authorization_webhook_cache_unauthorized_ttl: timedelta = timedelta(seconds=10)
    """How long a refusal holds."""


FLAGS: Final = {name: name.replace("_", "-") for name in ServingSettings.model_fields}
"""Field: name of its flag."""
