"""CloudFormation: the outputs of a deployed stack."""

from __future__ import annotations

from makertasks.aws import session
from makertasks.aws.errors import asking
from makertasks.errors import NotFound, Unavailable


def outputs(stack: str) -> dict[str, str]:
    """Return a stack's outputs by key; raises NotFound or Unavailable."""
    try:
        with asking(f"the stack {stack} could not be described"):
            described = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    except Unavailable as error:
        # CloudFormation has no error code of its own for this: ValidationError, "Stack with id NAME does not exist".
        if "does not exist" in str(error):
            raise NotFound(f"there is no stack {stack} in this account and region") from error
        raise
    return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}


def region() -> str:
    """Return the region of requests."""
    name: str = session.client("cloudformation").meta.region_name
    return name
