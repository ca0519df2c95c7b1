"""Commands that deploy and maintain the stack, and the local AWS."""
