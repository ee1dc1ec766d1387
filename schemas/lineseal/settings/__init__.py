"""Finds the Lineseal home and reads its configuration.

``find_home`` looks for ``LINESEAL_HOME``, then for a folder ``.lineseal`` here and upwards, as
git does. ``load_settings`` reads ``lineseal.toml`` and lets the environment win:
``LINESEAL_EMITTER__PRODUCER=x`` sets ``[emitter] producer``.
"""

from lineseal.settings.home import HOME_FOLDER, Home, find_home
from lineseal.settings.load import load_settings
from lineseal.settings.model import (
    ApiSettings,
    DeploymentSettings,
    DetectSettings,
    EmitterSettings,
    GatewaySettings,
    LogSettings,
    PolicySettings,
    Settings,
    SinkSettings,
    StoreSettings,
    TelemetrySettings,
)

__all__ = [
    "HOME_FOLDER",
    "ApiSettings",
    "DeploymentSettings",
    "DetectSettings",
    "EmitterSettings",
    "GatewaySettings",
    "Home",
    "LogSettings",
    "PolicySettings",
    "Settings",
    "SinkSettings",
    "StoreSettings",
    "TelemetrySettings",
    "find_home",
    "load_settings",
]
