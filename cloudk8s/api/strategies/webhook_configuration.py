"""ValidatingWebhookConfigurations and MutatingWebhookConfigurations."""

from __future__ import annotations

from typing import Any

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy
from cloudk8s.api.validation.admission.webhooks import check_webhooks


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

    def check_update(self, new: Object, old: Object) -> list[FieldError]:
        return self.check_create(new)

    def check_body(self, errors: list[FieldError], obj: Object, old: Object | None) -> None:
        check_webhooks(errors, obj.get("webhooks") or ())


class MutatingWebhookConfigurationStrategy(ValidatingWebhookConfigurationStrategy):
    """The MutatingWebhookConfiguration kind."""

    def default_webhook(self, webhook: dict[str, Any]) -> None:
        super().default_webhook(webhook)
        webhook.setdefault("reinvocationPolicy", "Never")
