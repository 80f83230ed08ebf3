"""Jobs on a Ray cluster: the seal around a job, and the whole story on a real head, shut in where nobody else reaches it."""

import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from moneyer_generation.execution.ray_children import opened, sealed_to

NEW_USERS, NEW_NETWORK = 0x10000000, 0x40000000
SET_FLAGS, UP_AND_RUNNING = 0x8914, 0x41


def test_a_job_opens_for_the_courier_it_was_sealed_to_alone() -> None:
    courier, other = X25519PrivateKey.generate(), X25519PrivateKey.generate()
    sealed = sealed_to(courier.public_key().public_bytes_raw(), {"source_key": "s3cret"})
    assert b"s3cret" not in sealed
    assert opened(sealed, courier) == {"source_key": "s3cret"}
    with pytest.raises(InvalidTag):
        opened(sealed, other)
    with pytest.raises(InvalidTag):
        opened(sealed[:-1] + bytes([sealed[-1] ^ 1]), courier)


@pytest.mark.long
def test_the_story_on_a_real_head() -> None:
    """Ray listens on all interfaces whatever it is told, so it gets a network of its own with nothing but a loopback."""
    command = [sys.executable, __file__, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-x"]
    story = Path(__file__).with_name("ray_story.py")
    ended = subprocess.run([*command, str(story)], capture_output=True, text=True, timeout=600, cwd=story.parents[2])
    assert ended.returncode == 0, ended.stdout[-6000:] + ended.stderr[-2000:]
    assert "5 passed" in ended.stdout


def shut_in() -> None:
    """Move this process into a network of its own, and bring its loopback up."""
    spaces = NEW_NETWORK if os.geteuid() == 0 else NEW_NETWORK | NEW_USERS
    if ctypes.CDLL(None, use_errno=True).unshare(spaces) != 0:
        print("no network namespace can be had here: Ray listens on every interface while this test runs")
        return
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        fcntl.ioctl(door, SET_FLAGS, struct.pack("16sh14x", b"lo", UP_AND_RUNNING))


if __name__ == "__main__":
    shut_in()
    os.execv(sys.argv[1], sys.argv[1:])
