"""Builds the limits of those who send."""

from app.delivery.admission import Admission
from app.delivery.guard import RunawayGuard
from app.delivery.ports import Clock
from app.delivery.project_caps import ProjectCaps
from app.settings import Settings
from app.wiring.stores import Stores


def build_admission(settings: Settings, stores: Stores, clock: Clock) -> Admission:
    """The limits that the settings switch on."""
    return Admission(
        RunawayGuard(stores.usage, clock) if settings.guards_runaways else None,
        ProjectCaps(stores.places, settings.project_caps) if settings.project_caps else None,
    )
