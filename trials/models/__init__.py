"""Users, sites, trials and protocol versions as they are stored."""

from trials.models.access import ApiAct, ApiToken, Membership, Role
from trials.models.audit import AuditEntry, AuditEpoch, AuditLink, AuditMail, AuditSeal, SchemaChange
from trials.models.channels import Channel, ChannelHealth
from trials.models.clients import AccessToken, ApiClient, ClientSecret
from trials.models.jobs import Job, JobPart
from trials.models.operations import BackupRun, TaskRun
from trials.models.places import CODE, Site, WorkingDayTable
from trials.models.resources import Resource, ResourceClosure
from trials.models.studies import Cohort, ProtocolVersion, StudyType, Trial, TrialSite
from trials.models.trust import AuditReview, ConsentForm, Export, Meaning, Signature, SiteApproval
from trials.models.users import AccountChange, User

__all__ = [
    "CODE",
    "AccessToken",
    "AccountChange",
    "ApiAct",
    "ApiClient",
    "ApiToken",
    "AuditEntry",
    "AuditEpoch",
    "AuditLink",
    "AuditMail",
    "AuditReview",
    "AuditSeal",
    "BackupRun",
    "Channel",
    "ChannelHealth",
    "ClientSecret",
    "Cohort",
    "ConsentForm",
    "Export",
    "Job",
    "JobPart",
    "Meaning",
    "Membership",
    "ProtocolVersion",
    "Resource",
    "ResourceClosure",
    "Role",
    "SchemaChange",
    "Signature",
    "Site",
    "SiteApproval",
    "StudyType",
    "TaskRun",
    "Trial",
    "TrialSite",
    "User",
    "WorkingDayTable",
]
