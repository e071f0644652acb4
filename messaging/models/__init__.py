from messaging.models.batch import Batch, BatchChange, BatchCount, BatchFilePart, BatchRow, RememberedColumn
from messaging.models.institution import (
    AllowedRecipient,
    GatewayAccount,
    Institution,
    Service,
    ServiceKey,
    ServicePause,
)
from messaging.models.message import Attempt, ContentFingerprint, DailyCount, DailySpeed, Message, StatusChange
from messaging.models.operations import DeliveryLoop, Installation, StaffNotice, WorkerHeartbeat
from messaging.models.people import Administrator, Membership, User
from messaging.models.recipient import Reachability, ReachabilityQuestion, Recipient
from messaging.models.template import Template

__all__ = [
    "Administrator",
    "AllowedRecipient",
    "Attempt",
    "Batch",
    "BatchChange",
    "BatchCount",
    "BatchFilePart",
    "BatchRow",
    "ContentFingerprint",
    "DailyCount",
    "DailySpeed",
    "DeliveryLoop",
    "GatewayAccount",
    "Installation",
    "Institution",
    "Membership",
    "Message",
    "Reachability",
    "ReachabilityQuestion",
    "Recipient",
    "RememberedColumn",
    "Service",
    "ServiceKey",
    "ServicePause",
    "StaffNotice",
    "StatusChange",
    "Template",
    "User",
    "WorkerHeartbeat",
]
