"""Errors of the local AWS; each message is one line for the user at the terminal."""


class LocalAwsError(Exception):
    """Base of every error of this package."""


class PortInUse(LocalAwsError):
    """Another program listens on the port."""


class NotInstalled(LocalAwsError):
    """An environment that `make` installs is missing."""


class NotStarted(LocalAwsError):
    """MiniStack exited, or did not become ready in time."""


class BuildFailed(LocalAwsError):
    """A layer could not be built."""


class DeployFailed(LocalAwsError):
    """CloudFormation rejected the template or a resource."""


class SampleFailed(LocalAwsError):
    """The sample inventory was not imported, or the tasks did not finish."""
