"""Short probes of each function's work: a probe passes if its role has every permission, and raises if one is missing.

Together a role's probes need all of its permissions; test_rights.py removes each permission and expects one of them
to fail. A new permission needs a probe, in the module of its kind of function.
"""

from __future__ import annotations

from tests.stack import alert_probes as alerts
from tests.stack import api_probes, job_probes
from tests.stack import event_probes as events
from tests.stack import sweeper_probes as sweeps
from tests.stack import task_probes as own
from tests.stack.deliveries import Probe
from tests.stack.engine_probes import EVERY_TASK
from tests.template import resources

# A task's role without an entry below is probed with the task's example and with what every task needs.
TASK_ROLES = [
    name
    for name, body in resources().items()
    if body["Type"] == "AWS::IAM::Role" and "EnginePolicy" in body["Properties"].get("ManagedPolicyArns", [])
]

PROBES: dict[str, list[Probe]] = {name: [own.succeeds, *EVERY_TASK] for name in TASK_ROLES} | {
    "DownloadImageFromUrlRole": [own.succeeds, *EVERY_TASK, own.replaces_an_image],
    "GenerateQrCodeRole": [own.succeeds, *EVERY_TASK, own.replaces_a_code, own.reads_items_of_a_batch_together],
    "GenerateIndexCardRole": [own.succeeds, *EVERY_TASK, own.draws_pictures],
    "GenerateIndexCardsRole": [own.succeeds, *EVERY_TASK, own.draws_pictures],
    "UpdateAverageLeadTimesRole": [own.measures, *EVERY_TASK],
    "ImportDumpRole": [own.imports_changes, *EVERY_TASK],
    "AttachUploadRole": [
        own.succeeds,
        *EVERY_TASK,
        own.replaces_an_image,
        own.rejects_an_unusable_upload,
        own.recognises_a_rejected_upload,
    ],
    "UploadsRole": [events.queues_an_import, events.queues_an_upload, events.records_an_unsent_message],
    "ItemChangesRole": [events.queues_a_download, events.posts_a_change_to_the_site, events.records_an_unsent_message],
    "TaskEventsRole": [events.counts_a_task, events.forgets_payloads],
    "SweeperRole": [
        sweeps.resends_a_lost_message,
        sweeps.records_a_dead_letter,
        sweeps.recounts_an_hour,
        sweeps.rolls_up_a_day_of_expired_tasks,
        sweeps.starts_alerts,
    ],
    "AlertsRole": [alerts.checks_for_every_kind, alerts.posts_to_a_webhook, alerts.mails, alerts.unsubscribes],
    "BulkActionRole": [*job_probes.EVERY_JOB, *EVERY_TASK],
    "CleanMediaRole": [own.cleans, *EVERY_TASK],
    "ApiRole": api_probes.EVERY_REQUEST,
}
