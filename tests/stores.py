"""An S3 service on this machine, for tests: moto's server, a process of its own, and what cuts its connections."""

import socket
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import boto3
from s3fs import S3FileSystem

BUCKET = "people"


class S3:
    """The server, which can be killed and started again on its port; it remembers nothing then."""

    def __init__(self):
        with closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process: subprocess.Popen | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        code = "from moto.server import main; main()"
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", code, "-H", "127.0.0.1", "-p", str(self.port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while True:
            assert self.process.poll() is None, "the S3 server ended by itself"
            with suppress(OSError), closing(socket.create_connection(("127.0.0.1", self.port))):
                return
            time.sleep(0.05)

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()


class Proxy:
    """Passes connections on to a server, and cuts those that carry more than so many bytes.

    most: to the server, most_back: from it; None for any number.
    """

    def __init__(self, port: int):
        self.target, self.cuts = port, 0
        self.most: int | None = None
        self.most_back: int | None = None
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self.socket.accept()
                far = socket.create_connection(("127.0.0.1", self.target))
                for one, other, is_upload in ((near, far, True), (far, near, False)):
                    threading.Thread(target=self._pump, args=(one, other, is_upload), daemon=True).start()

    def _pump(self, one: socket.socket, other: socket.socket, is_upload: bool) -> None:
        sent = 0
        with suppress(OSError), closing(one), closing(other):
            while data := one.recv(4096):
                sent += len(data)
                most = self.most if is_upload else self.most_back
                if most is not None and sent > most:
                    self.cuts += 1
                    other.sendall(data[: len(data) // 2])
                    for end in (one, other):
                        end.shutdown(socket.SHUT_RDWR)
                    return
                other.sendall(data)

    def close(self) -> None:
        self.socket.close()


def environment(address: str, folder: Path) -> dict[str, str]:
    """Variables under which a process uses the store there and nothing that this machine knows of others."""
    return {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": str(folder / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_ENDPOINT_URL": address,
        "MANNEQUIN_CACHE": str(folder / "cache"),
    }


def client(store: S3):
    """A client of the store, whatever the environment says of others."""
    secrets = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    return boto3.client("s3", endpoint_url=store.address, **secrets)


@contextmanager
def served(folder: Path):
    """A store with an empty bucket, and the environment in which a process uses it, until the block ends."""
    store = S3()
    store.start()
    try:
        client(store).create_bucket(Bucket=BUCKET)
        yield store, environment(store.address, folder)
    finally:
        store.kill()


@contextmanager
def forgotten():
    """Drivers keep connections and what they know of the environment; here they begin and end without."""
    S3FileSystem.clear_instance_cache()
    try:
        yield
    finally:
        S3FileSystem.clear_instance_cache()


def keys(store: S3) -> dict[str, bytes]:
    """Content of every object of the bucket."""
    of = client(store)
    listed = of.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return {entry["Key"]: of.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read() for entry in listed}
