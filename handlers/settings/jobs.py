"""Setting of the functions that use the jobs table."""

from cloud.settings import EnvironmentSettings


class JobsSettings(EnvironmentSettings):
    """Name of the jobs table."""

    jobs_table: str
