"""A stock Celery application whose SQS messages are kept in a list, and a stock worker for single messages.

Everything but SQS itself is Celery's and kombu's own code: the SQS transport writes and reads the bodies.
"""

from celery import Celery
from celery.backends.cache import CacheBackend
from celery.worker.request import Request
from kombu.transport import SQS, TRANSPORT_ALIASES

QUEUE = "tasks"
REGION = "eu-central-1"


class Mailbox:
    """Replaces boto3's SQS client and keeps the sent messages."""

    bodies: list[str] = []  # noqa: RUF012 - one mailbox a process, as there is one queue

    def send_message(self, **request):
        self.bodies.append(request["MessageBody"])

    def get_queue_attributes(self, **_options):
        return {"Attributes": {"ApproximateNumberOfMessages": "0"}}


class Channel(SQS.Channel):
    def sqs(self, queue=None):  # noqa: ARG002 - kombu's own signature
        return Mailbox()


class Transport(SQS.Transport):
    Channel = Channel


class Memory(CacheBackend):
    """Celery's in-memory backend, which counts chords as its DynamoDB backend does, but without pauses."""

    def __init__(self, *args, **options):
        super().__init__(*args, **{**options, "backend": "memory"})

    def get_many(self, task_ids, **options):
        return super().get_many(task_ids, **{**options, "interval": 0.001})

    def wait_for(self, task_id, **options):
        return super().wait_for(task_id, **{**options, "interval": 0.001})


TRANSPORT_ALIASES["mailbox"] = f"{__name__}:Transport"

app = Celery("shop", broker="mailbox://key:secret@", backend=f"{__name__}.Memory")
app.conf.update(
    broker_transport_options={"region": REGION, "predefined_queues": {QUEUE: {"url": "https://queue"}}},
    task_default_queue=QUEUE,
    result_extended=True,
    result_chord_join_timeout=0.05,  # a join that waits would never end, because nothing else runs
    task_store_errors_even_if_ignored=True,
)


@app.task(name="t.say")
def say(*args, tag):
    """Return the arguments, so that a result shows the path of every value."""
    return {tag: list(args)}


@app.task(name="t.fail")
def fail(*args, tag):
    raise ValueError(tag)


def received() -> list[str]:
    """The bodies sent since the last call."""
    bodies = list(Mailbox.bodies)
    Mailbox.bodies.clear()
    return bodies


def sent(call) -> list[str]:
    """The bodies that this call sends."""
    received()
    call()
    return received()


def read_by_kombu(body: str):
    """The message that a stock worker decodes from an SQS body."""
    with app.connection_for_read() as connection:
        channel = connection.default_channel
        raw = {"Body": body, "ReceiptHandle": "receipt", "MessageId": "1"}
        payload = channel._message_to_python(raw, QUEUE, "https://queue")
        return channel.Message(payload, channel=channel, accept=["application/json"])


def run_by_celery(body: str) -> None:
    """Run one message as a stock worker does."""
    Request(read_by_kombu(body), app=app, hostname="stock@here", decoded=False).execute()
