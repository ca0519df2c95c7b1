"""Operators' actions: revoke, retry, pause; as single calls and as jobs, with an audit log."""
