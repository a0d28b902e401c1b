"""Settings classes of all functions, by their names."""

import importlib
import pkgutil

import handlers.settings
from cloud.settings import EnvironmentSettings

MODULES = [
    importlib.import_module(f"handlers.settings.{each.name}")
    for each in pkgutil.iter_modules(handlers.settings.__path__)
]
SETTINGS: dict[str, type[EnvironmentSettings]] = {
    name: value
    for module in MODULES
    for name, value in vars(module).items()
    if isinstance(value, type) and issubclass(value, EnvironmentSettings) and value.__module__ == module.__name__
}
