"""Errors of the local AWS; each message is one line for the person at the terminal."""


class LocalAwsError(Exception):
    """Base of every error of this package."""


class PortInUse(LocalAwsError):
    """Another program listens on the port."""


class NotInstalled(LocalAwsError):
    """An environment that `make` installs is not there."""


class NotStarted(LocalAwsError):
    """MiniStack ended, or did not respond, before it was ready."""


class BuildFailed(LocalAwsError):
    """A layer could not be built."""


class DeployFailed(LocalAwsError):
    """CloudFormation refused the template or a resource."""


class SampleFailed(LocalAwsError):
    """The sample inventory was not imported, or the tasks did not finish."""
