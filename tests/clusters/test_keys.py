import base64
import json
import shutil
import ssl
import stat
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from e2e.clusters.local import keys

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the keys")


@pytest.fixture(name="directory", scope="module")
def _directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("state") / "keys"
    keys.create(directory, keys.identities("node", IPv4Address("10.245.0.2"), IPv4Address("10.96.0.1")))
    return directory


def shake_hands(directory: Path, name: str) -> object:
    """A strict handshake in memory of the API server and the administrator; the subject the server saw."""
    client_side = ssl.create_default_context(cafile=str(directory / "ca.crt"))
    client_side.verify_flags |= ssl.VERIFY_X509_STRICT
    client_side.load_cert_chain(directory / "admin.crt", directory / "admin.key")
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(directory / "ca.crt"))
    server_side.verify_mode = ssl.CERT_REQUIRED
    server_side.verify_flags |= ssl.VERIFY_X509_STRICT
    server_side.load_cert_chain(directory / "apiserver.crt", directory / "apiserver.key")
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_side.wrap_bio(to_client, to_server, server_hostname=name)
    server = server_side.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return (server.getpeercert() or {})["subject"]


@pytest.mark.parametrize("name", ["10.245.0.2", "10.96.0.1", "127.0.0.1", "kubernetes.default.svc"])
def test_strict_clients_accept_the_api_server_under_each_of_its_names(directory: Path, name: str) -> None:
    organization, common_name = ("organizationName", "system:masters"), ("commonName", "kubernetes-admin")
    assert shake_hands(directory, name) == ((organization,), (common_name,))


def test_a_name_that_is_not_the_api_servers_is_refused(directory: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(directory, "203.0.113.1")


def test_private_keys_are_for_their_owner_only(directory: Path) -> None:
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_a_kubeconfig_embeds_what_it_needs(directory: Path) -> None:
    config = json.loads(keys.kubeconfig(directory, "admin", "https://10.245.0.2:6443"))
    user = config["users"][0]["user"]
    assert base64.b64decode(user["client-key-data"]) == (directory / "admin.key").read_bytes()
    assert config["clusters"][0]["cluster"]["server"] == "https://10.245.0.2:6443"
