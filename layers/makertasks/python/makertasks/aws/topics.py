"""SNS: the only module that talks to it. Subscriptions by email, and messages to them."""

from __future__ import annotations

import json

from makertasks.aws import session
from makertasks.aws.errors import Answered, asking

# What SNS says instead of a subscription's ARN until its address is confirmed.
UNCONFIRMED = "PendingConfirmation"

# The message attribute by which a subscription's filter policy chooses its messages.
RECIPIENT = "to"


def subscribe(topic: str, address: str, recipient: str) -> None:
    """Subscribe an email address to messages for `recipient`; SNS asks the address to confirm. Raises Unavailable.

    Subscribing again changes nothing for a confirmed address, and sends the question again otherwise.
    """
    with asking("the email address could not be subscribed"):
        session.client("sns").subscribe(
            TopicArn=topic,
            Protocol="email",
            Endpoint=address,
            Attributes={"FilterPolicy": json.dumps({RECIPIENT: [recipient]})},
        )


def subscriptions(topic: str) -> dict[str, str]:
    """Return the subscriptions' ARNs, or UNCONFIRMED, by address in lower case; raises Unavailable."""
    with asking("the subscriptions could not be listed"):
        pages = session.client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
        return {each["Endpoint"].lower(): each["SubscriptionArn"] for page in pages for each in page["Subscriptions"]}


def unsubscribe(subscription: str) -> None:
    """Delete a confirmed subscription, if it exists; raises Unavailable."""
    try:
        with asking("the email address could not be unsubscribed", "NotFound", "NotFoundException"):
            session.client("sns").unsubscribe(SubscriptionArn=subscription)
    except Answered:
        return


def publish(topic: str, recipient: str, subject: str, text: str) -> None:
    """Send a message to one recipient's address; raises Unavailable."""
    with asking("the message could not be sent"):
        session.client("sns").publish(
            TopicArn=topic,
            Subject=subject,
            Message=text,
            MessageAttributes={RECIPIENT: {"DataType": "String", "StringValue": recipient}},
        )
