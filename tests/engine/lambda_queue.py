"""A stand-in for Lambda's event source mapping: receives messages from a moto queue and invokes a function."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class LambdaContext:
    """The parts of Lambda's context that handlers read."""

    aws_request_id: str = "request-1"
    function_name: str = "function"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:function"
    seconds: float = 900.0  # Lambda's maximum, which even a slow machine does not use up

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


@dataclass
class Queue:
    """One queue and the function that consumes it."""

    sqs: Any
    name: str
    handler: Any
    context: LambdaContext = field(default_factory=LambdaContext)

    @property
    def url(self) -> str:
        return self.sqs.get_queue_url(QueueName=self.name)["QueueUrl"]

    def send(self, body: str) -> str:
        return self.sqs.send_message(QueueUrl=self.url, MessageBody=body)["MessageId"]

    def receive(self) -> list[dict[str, Any]]:
        """Messages that are visible now, as the records of an event."""
        answer = self.sqs.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"], WaitTimeSeconds=0
        )
        return [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message["Attributes"],
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:{self.name}",
            }
            for message in answer.get("Messages", [])
        ]

    def deliver(self) -> list[str]:
        """Deliver one batch; return the bodies to be retried, and delete the other messages."""
        if not (records := self.receive()):
            return []  # Lambda does not invoke a function without messages
        answer = self.handler({"Records": records}, self.context)
        back = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        for record in records:
            if record["messageId"] not in back:
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=record["receiptHandle"])
        return [record["body"] for record in records if record["messageId"] in back]

    def count(self) -> int:
        """Messages left in the queue: visible, delayed or in flight."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        names.append("ApproximateNumberOfMessagesDelayed")
        counts = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return sum(int(counts[name]) for name in names)
