"""What went wrong with a request before there was an answer, in a sentence for users."""

import asyncio
import os
import socket
import ssl

import aiohttp
from yarl import URL

from destinations.addresses import host_of
from destinations.resolving import NotAllowed

_NAME_SERVER = {socket.EAI_AGAIN, socket.EAI_FAIL}


def refusal_in(error: Exception) -> NotAllowed | None:
    """What says that the address is not allowed, if that has led to this error."""
    cause = getattr(error, "os_error", error)
    return cause if isinstance(cause, NotAllowed) else None


def say(error: Exception, url: URL, *, seconds: float) -> str:
    """What an error of aiohttp comes to; of the address it names host and port only.

    :param seconds: after how many a request is given up
    """
    host = host_of(url)
    cause = getattr(error, "os_error", error)
    if refused := refusal_in(error):
        return str(refused)
    if isinstance(error, asyncio.TimeoutError):
        return f"{host} did not answer within {seconds:g} seconds."
    if isinstance(cause, socket.gaierror):
        return _of_name(cause, host)
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return _of_certificate(error.certificate_error, host)
    if isinstance(error, aiohttp.ClientSSLError):
        return (
            f"There is no TLS connection to {host} at port {url.port}. Does it speak HTTPS there?"
        )
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"There is no connection to {host} at port {url.port}: {_reason(cause)}."
    if isinstance(error, aiohttp.ClientResponseError):
        return f"What {host} answered at port {url.port} is no HTTP."
    if isinstance(error, aiohttp.ClientConnectionError | OSError):
        return f"{host} closed the connection without an answer."
    return f"The request to {host} failed: {type(error).__name__}."


def _of_name(error: socket.gaierror, host: str) -> str:
    if error.errno in _NAME_SERVER:
        return f"The name server did not say where {host} leads to."
    return f"The name {host} leads nowhere. Is it spelled correctly?"


def _of_certificate(error: Exception, host: str) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The certificate of {host} is not valid: {error.verify_message.rstrip('.')}."
    return f"The certificate of {host} is not valid."


def _reason(error: BaseException) -> str:
    # asyncio has texts of its own for what the system calls "Connection refused".
    number = getattr(error, "errno", None)
    return os.strerror(number).lower() if number else "it failed"
