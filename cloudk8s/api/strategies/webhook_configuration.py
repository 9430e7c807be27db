"""ValidatingWebhookConfigurations and MutatingWebhookConfigurations."""

from __future__ import annotations

from typing import Any

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy


class ValidatingWebhookConfigurationStrategy(BuiltinStrategy):
    """The ValidatingWebhookConfiguration kind."""

    namespaced = False
    has_generation = True
    allow_unconditional_update = False

    def set_defaults(self, obj: Object) -> None:
        for webhook in obj.get("webhooks") or ():
            self.default_webhook(webhook)

    def default_webhook(self, webhook: dict[str, Any]) -> None:
        webhook.setdefault("failurePolicy", "Fail")
        webhook.setdefault("matchPolicy", "Equivalent")
        webhook.setdefault("namespaceSelector", {})
        webhook.setdefault("objectSelector", {})
        webhook.setdefault("timeoutSeconds", 10)
        for rule in webhook.get("rules") or ():
            rule.setdefault("scope", "*")
        service = webhook.setdefault("clientConfig", {}).get("service")
        if service is not None:
            service.setdefault("port", 443)


class MutatingWebhookConfigurationStrategy(ValidatingWebhookConfigurationStrategy):
    """The MutatingWebhookConfiguration kind."""

    def default_webhook(self, webhook: dict[str, Any]) -> None:
        super().default_webhook(webhook)
        webhook.setdefault("reinvocationPolicy", "Never")
