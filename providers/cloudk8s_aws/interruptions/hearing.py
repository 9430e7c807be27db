"""Reading a cluster's queue."""

from __future__ import annotations

from collections.abc import Sequence

from cloudk8s.plugin import CloudNotFound, Interruption
from cloudk8s_aws.api import AwsApi
from cloudk8s_aws.interruptions.messages import read_message
from cloudk8s_aws.interruptions.reading import interruptions_name

AT_ONCE = 10
MOST_READS = 10
"""Of one turn; the next one goes on."""


class Ear:
    """One account's queues; remembers where they are."""

    def __init__(self, api: AwsApi) -> None:
        self._api = api
        self._urls: dict[str, str] = {}

    def listen(self, owner: str) -> Sequence[Interruption]:
        """What is in the queue, without waiting; nothing where there is no queue."""
        found: list[Interruption] = []
        try:
            for _ in range(MOST_READS):
                wanted = {"QueueUrl": self._url(owner), "MaxNumberOfMessages": AT_ONCE, "WaitTimeSeconds": 0}
                messages = self._api.call("sqs", "receive_message", **wanted).get("Messages") or []
                found += [read_message(entry["ReceiptHandle"], entry["Body"]) for entry in messages]
                if len(messages) < AT_ONCE:
                    break
        except CloudNotFound:
            self._urls.pop(owner, None)
        return found

    def forget(self, owner: str, heard: Sequence[Interruption]) -> None:
        """Delete these messages; those that are gone are as good as deleted."""
        for entry in heard:
            try:
                self._api.call("sqs", "delete_message", QueueUrl=self._url(owner), ReceiptHandle=entry.receipt)
            except CloudNotFound:
                self._urls.pop(owner, None)
                return

    def _url(self, owner: str) -> str:
        if owner not in self._urls:
            answer = self._api.call("sqs", "get_queue_url", QueueName=interruptions_name(owner))
            self._urls[owner] = answer["QueueUrl"]
        return self._urls[owner]
