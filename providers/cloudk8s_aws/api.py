"""Calls to AWS: lazy clients, time-outs, rate limits, and errors in the core's words.

The only module that sees boto3.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from cloudk8s.cloud.stack.pace import Pace, Rate
from cloudk8s.cloud.stack.timing import Timer
from cloudk8s.plugin import CloudError, RetryLater, SettingsError, Unanswered, Unsupported
from cloudk8s_aws.errors import THROTTLED, TooFast, cloud_error
from cloudk8s_aws.shared_read import SharedRead

if TYPE_CHECKING:
    from cloudk8s_aws.settings import AwsSettings

SERVICES = (
    "ec2",
    "elbv2",
    "elb",
    "sts",
    "ecr",
    "iam",
    "autoscaling",
    "route53",
    "resourcegroupstaggingapi",
    "service-quotas",
    "wafv2",
    "sqs",
    "events",
)
CONNECT_SECONDS, READ_SECONDS = 5, 30
ATTEMPTS = 4
"""The SDK's own tries for throttling and lost connections, with its adaptive rate limit."""
KINDS = ("read", "targets", "change")
OFFLINE_KEY = "offline"
NOT_SHOWN_FOR = timedelta(seconds=5)

Prepare = Callable[[Any], None]
"""Called with every new client; tests hang faults and counters into its events."""


class AwsApi:
    """One account and region. Safe to share by threads."""

    def __init__(self, settings: AwsSettings, *, prepare: Prepare | None = None, timer: Timer | None = None) -> None:
        self._settings = settings
        self._prepare = prepare
        self._clients: dict[str, Any] = {}
        self._listings: dict[str, SharedRead[list[Any]]] = {}
        self._lock = threading.Lock()
        rate = Rate(settings.calls_per_second, settings.burst)
        rates = {f"{service}/{kind}": rate for service in SERVICES for kind in KINDS}
        self._pace = Pace(rates, timer) if timer else Pace(rates)

    @property
    def region(self) -> str:
        return self._settings.region

    @property
    def is_whole(self) -> bool:
        """AWS itself: emulators list only some of what carries a tag, and simulate no policies."""
        return not self._settings.endpoint_url

    def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """One call; `operation` is boto3's method name. Raises subclasses of CloudError."""
        client = self._client(service)
        answer: dict[str, Any] = self._paced(service, operation, lambda: getattr(client, operation)(**parameters))
        return answer

    def create(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """As `call`, for what makes something and takes no idempotency token: made once, not tried again by the SDK.

        Raises Unanswered where it is not known whether the thing was made.
        """
        client = self._client(service, once=True)
        answer: dict[str, Any] = self._paced(
            service, operation, lambda: getattr(client, operation)(**parameters), once=True
        )
        return answer

    def pages(self, service: str, operation: str, key: str, *, page_size: int = 0, **parameters: Any) -> list[Any]:
        """All entries of a paged answer."""
        client = self._client(service)
        config = {"PageSize": page_size} if page_size else {}
        entries: list[Any] = []
        pages = iter(client.get_paginator(operation).paginate(**parameters, PaginationConfig=config))
        while True:
            page = self._paced(service, operation, lambda: next(pages, None))
            if page is None:
                return entries
            entries += page.get(key, [])

    def listing(self, service: str, operation: str, key: str, **parameters: Any) -> list[Any]:
        """As `pages`, but threads that ask for the same listing at the same time share it. Treat it as read-only."""
        name = f"{service}/{operation}/{parameters}"
        with self._lock:
            if name not in self._listings:
                self._listings[name] = SharedRead(lambda: self.pages(service, operation, key, **parameters))
            shared = self._listings[name]
        return shared.get()

    def _paced(self, service: str, operation: str, function: Callable[[], Any], *, once: bool = False) -> Any:
        """Call in turn; where AWS refuses for haste, this API is called more slowly for a while."""
        api = f"{service}/{kind_of(operation)}"
        self._pace.take(api)
        try:
            return _translated(operation, function, once=once)
        except TooFast:
            self._pace.slow_down(api)
            raise

    def _notice(self, service: str, response: Any, operation: Any, **_: Any) -> None:
        """An answer that the SDK is going to retry, or not: a refusal counts at once."""
        if response is not None and response[1].get("Error", {}).get("Code") in THROTTLED:
            from botocore import xform_name

            self._pace.slow_down(f"{service}/{kind_of(xform_name(operation.name))}")

    def _client(self, service: str, *, once: bool = False) -> Any:
        name = f"{service} once" if once else service
        with self._lock:
            if name not in self._clients:
                self._clients[name] = self._new_client(service, attempts=1 if once else ATTEMPTS)
            return self._clients[name]

    def _new_client(self, service: str, *, attempts: int) -> Any:
        url = self._settings.endpoint_url or None
        client = self._session().client(service, endpoint_url=url, config=_config(attempts))
        client.meta.events.register("needs-retry.*", partial(self._notice, service))
        if self._prepare is not None:
            self._prepare(client)
        return client

    def _session(self) -> Any:
        try:
            import boto3
        except ImportError as error:
            raise SettingsError("the aws provider needs boto3: pip install 'cloudk8s[aws]'") from error
        settings = self._settings
        if settings.offline:
            return boto3.Session(OFFLINE_KEY, OFFLINE_KEY, region_name=settings.region)
        key, secret = settings.access_key_id or None, settings.secret_access_key.get_secret_value() or None
        token = settings.session_token.get_secret_value() or None
        session = boto3.Session(key, secret, token, region_name=settings.region, profile_name=settings.profile or None)
        return _assume(session, settings.role_arn) if settings.role_arn else session


def kind_of(operation: str) -> str:
    """AWS counts reads, registrations of targets and other changes apart, and so do we."""
    if operation in ("register_targets", "deregister_targets"):
        return "targets"
    return "read" if operation.startswith(("describe_", "get_", "list_", "receive_")) else "change"


def tags_of(entry: Mapping[str, Any]) -> dict[str, str]:
    """AWS's list of tags as a dict."""
    return {tag["Key"]: tag.get("Value", "") for tag in entry.get("Tags") or ()}


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """A dict as AWS's list of tags."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def filters(**values: Sequence[str]) -> list[dict[str, Any]]:
    """`vpc_id=[…]` as AWS's list of filters; underscores become hyphens."""
    return [{"Name": name.replace("_", "-"), "Values": list(entries)} for name, entries in values.items()]


def shown(entries: Sequence[Any], name: str) -> Any:
    """The entry that a lookup by name has found. Raises RetryLater while listings hide what calls say is there."""
    if not entries:
        raise RetryLater(NOT_SHOWN_FOR, f"{name} exists, and is not listed yet")
    return entries[0]


def chunks(entries: Sequence[Any], size: int) -> list[Sequence[Any]]:
    """Parts of at most `size`."""
    return [entries[start : start + size] for start in range(0, len(entries), size)]


def _config(attempts: int) -> Any:
    from botocore.config import Config

    return Config(
        retries={"mode": "adaptive", "total_max_attempts": attempts}, connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS, user_agent_extra="cloudk8s", max_pool_connections=50,
    )  # fmt: skip


def _assume(session: Any, role_arn: str) -> Any:
    """A session that assumes the role, and again whenever its credentials are about to expire."""
    import boto3
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
    from botocore.session import get_session

    core = session._session
    fetcher = AssumeRoleCredentialFetcher(core.create_client, core.get_credentials(), role_arn)
    assumed: Any = get_session()
    assumed._credentials = DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")
    return boto3.Session(botocore_session=assumed, region_name=session.region_name)


def _translated(operation: str, function: Callable[[], Any], *, once: bool = False) -> Any:
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        return function()
    except ClientError as error:
        details = error.response.get("Error", {})
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
        if once and status >= 500 and details.get("Code") not in THROTTLED:
            raise Unanswered(f"{operation}: {details.get('Code')}: {details.get('Message')}") from error
        raise cloud_error(details.get("Code", ""), details.get("Message", ""), operation) from error
    except NotImplementedError as error:
        raise Unsupported(operation, f"{operation}: the emulator does not implement this") from error
    except (BotoCoreError, ResponseParserError) as error:
        raise (Unanswered if once else CloudError)(f"{operation}: {error}") from error
