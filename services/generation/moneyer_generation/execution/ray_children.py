"""The same child processes on the nodes of a Ray cluster: a courier there starts one, and passes on what it says.

Ray keeps what tasks are called with in stores of its own, in clear. So the courier makes a key pair, and the job, data
keys and all, is sealed to it with the primitives of HPKE (RFC 9180), though not in its framing: X25519, HKDF-SHA256 and
AES-256-GCM.
"""

import asyncio
import json
import logging
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from importlib import import_module
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from moneyer_generation.execution.children import ChildFailed, Children, JobLimits
from moneyer_generation.execution.protocol import Job, Message
from moneyer_shared.errors import Unavailable

NAMESPACE = "moneyer"
CONNECT_SECONDS = 20
KEY_BYTES, NONCE_BYTES = 32, 12
logger = logging.getLogger("moneyer.ray")


class Courier:
    """On a node: one job, in a child process of its own; it ends with the child, and the child with it."""

    def __init__(self, limits: JobLimits) -> None:
        self._children = Children(limits)
        self._private = X25519PrivateKey.generate()

    async def public_key(self) -> bytes:
        return self._private.public_key().public_bytes_raw()

    async def messages(self, sealed: bytes) -> AsyncGenerator[Message]:
        """What the child says of the job sealed to this courier.

        Raises:
            ChildFailed: the child failed, vanished, or took more than its limits.
        """
        async with aclosing(self._children.messages(opened(sealed, self._private))) as messages:
            async for message in messages:
                yield message


class RayChildren:
    """Carries jobs on the cluster whose head is at ``host:port``, as ``Children`` carries them beside the worker."""

    def __init__(self, address: str, limits: JobLimits | None = None) -> None:
        self._address = address
        self._limits = limits or JobLimits()

    async def ready(self) -> None:
        """That the cluster can be reached; asked before a permit is redeemed, so that nobody pays for an outage.

        Raises:
            Unavailable: it cannot.
        """
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                # Ray itself would try for a minute, in a thread that nothing can stop.
                host, _, port = self._address.rpartition(":")
                _, writing = await asyncio.open_connection(host, int(port))
                writing.close()
                await asyncio.to_thread(self._connect)
        except (OSError, RuntimeError, TimeoutError) as error:
            logger.warning("no ray cluster", exc_info=error)
            raise Unavailable("The Ray cluster does not answer.") from error

    async def messages(self, job: Job) -> AsyncGenerator[Message]:
        """The child's messages as they come. Closing the iterator kills the child.

        Raises:
            ChildFailed: the child failed, vanished, or took more than its limits; or its node was lost.
            Unavailable: the cluster cannot be reached.
        """
        await self.ready()
        ray: Any = import_module("ray")
        courier = ray.remote(Courier).options(num_cpus=1, max_restarts=0, max_task_retries=0).remote(self._limits)
        try:
            sealed = sealed_to(await courier.public_key.remote(), job)
            async for reference in courier.messages.options(num_returns="streaming").remote(sealed):
                yield await reference
        except ray.exceptions.RayTaskError as error:
            cause = error.cause
            raise (cause if isinstance(cause, ChildFailed) else ChildFailed(type(cause).__name__)) from error
        except ray.exceptions.RayError as error:
            raise ChildFailed("the cluster lost the process") from error
        finally:
            ray.kill(courier, no_restart=True)

    async def aclose(self) -> None:
        """Leave the cluster."""
        await asyncio.to_thread(import_module("ray").shutdown)

    def _connect(self) -> None:
        ray: Any = import_module("ray")
        if not ray.is_initialized():
            ray.init(address=self._address, namespace=NAMESPACE, log_to_driver=False, configure_logging=False)


def sealed_to(public: bytes, job: Job) -> bytes:
    """The job for the holder of the private key alone: ephemeral public key, nonce, ciphertext."""
    ephemeral, nonce = X25519PrivateKey.generate(), os.urandom(NONCE_BYTES)
    mine = ephemeral.public_key().public_bytes_raw()
    key = _derived(ephemeral.exchange(X25519PublicKey.from_public_bytes(public)), mine + public)
    return mine + nonce + AESGCM(key).encrypt(nonce, json.dumps(job).encode(), mine)


def opened(sealed: bytes, private: X25519PrivateKey) -> Job:
    """The job under the seal.

    Raises:
        cryptography.exceptions.InvalidTag: it was sealed to another key, or changed.
    """
    theirs, nonce = sealed[:KEY_BYTES], sealed[KEY_BYTES : KEY_BYTES + NONCE_BYTES]
    context = theirs + private.public_key().public_bytes_raw()
    key = _derived(private.exchange(X25519PublicKey.from_public_bytes(theirs)), context)
    job: Job = json.loads(AESGCM(key).decrypt(nonce, sealed[KEY_BYTES + NONCE_BYTES :], theirs))
    return job


def _derived(shared: bytes, context: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"moneyer job" + context).derive(shared)
