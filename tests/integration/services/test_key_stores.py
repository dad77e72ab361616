"""Key stores that people bring, read without a node waiting for them."""

import asyncio

import pytest

from certinel.domain.der import INTEGER, SEQUENCE, content_of, element
from certinel.pki.errors import NotAStoreError, WrongPassphraseError
from certinel.pki.keystore import make_keystore
from certinel.services.key_stores import certificates_in_file
from certinel.services.platform import Platform
from certinel.storage.engine import EngineName
from support.certificates import Issued, root_authority

PASSPHRASE = "secret-enough"


@pytest.fixture
def engine_name() -> EngineName:
    """No database is asked."""
    return "sqlite"


@pytest.fixture(scope="module")
def pump() -> Issued:
    return root_authority("Plant CA").device("pump-7")


@pytest.fixture(scope="module")
def store(pump: Issued) -> bytes:
    return make_keystore(pump.key, [one.certificate for one in pump.chain], PASSPHRASE)


def hashed(store: bytes, times: int) -> bytes:
    """A store that wants its passphrase hashed so often before its integrity is known (RFC 7292, 4)."""
    start, end = content_of(store, 0, len(store), SEQUENCE)
    _, after_version = content_of(store, start, end, INTEGER)
    _, after_content = content_of(store, after_version, end, SEQUENCE)
    begin, _ = content_of(store, after_content, end, SEQUENCE)
    _, after_digest = content_of(store, begin, end, SEQUENCE)
    _, after_salt = content_of(store, after_digest, end, 0x04)
    mac = element(SEQUENCE, store[begin:after_salt], element(INTEGER, times.to_bytes(4, "big")))
    return element(SEQUENCE, store[start:after_content], mac)


async def test_store_gives_the_certificate_of_its_key_first(platform: Platform, store: bytes, pump: Issued) -> None:
    assert await certificates_in_file(platform, store, PASSPHRASE) == list(pump.chain_der)


@pytest.mark.parametrize("wrong", ["another one", None])
async def test_wrong_passphrase_is_said(platform: Platform, store: bytes, wrong: str | None) -> None:
    with pytest.raises(WrongPassphraseError):
        await certificates_in_file(platform, store, wrong)


async def test_certificate_needs_no_process(platform: Platform, pump: Issued) -> None:
    async with platform.key_stores, asyncio.timeout(20):
        assert await certificates_in_file(platform, pump.der, None) == [pump.der]
        assert await certificates_in_file(platform, pump.chain_pem.encode(), None) == list(pump.chain_der)


async def test_damaged_certificate_is_kept_to_be_explained(platform: Platform, pump: Issued) -> None:
    assert await certificates_in_file(platform, pump.der[:-1], None) == [pump.der[:-1]]


async def test_store_that_wants_two_billion_hashes_is_given_up_while_others_have_their_turn(
    platform: Platform, store: bytes
) -> None:
    endless = hashed(store, 2**31 - 1)
    reading = asyncio.create_task(certificates_in_file(platform, endless, PASSPHRASE, patience_seconds=2.0))
    turns = 0
    while not reading.done():
        await asyncio.sleep(0.01)
        turns += 1
    with pytest.raises(NotAStoreError, match="too long"):
        await reading
    assert turns > 10
