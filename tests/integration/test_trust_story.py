"""Several tenants, one CA, whatever they do: a node and the rules of trust agree on whose device it is after each step.

A node in this process, with real TLS, REST and storage, is restarted and its clock is moved; three tenants upload,
prove, renew, revoke and delete certificates of an authority, of one below it, and of its evil twin. What the node says
and does is compared with ``support/ownership.py`` and with what it said before. Live sessions are kept over all steps.

The normal run is short and the same each time. ``CERTINEL_STORY_EXAMPLES=500`` makes it long, and another each time.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, AsyncExitStack, ExitStack, contextmanager
from datetime import timedelta
from enum import Enum, auto
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from support.contested_ca import (
    CERTIFICATES,
    DEVICES,
    MODELLED_CERTIFICATES,
    MODELLED_DEVICES,
    OPERATOR,
    SENT,
    TENANTS,
    TWIN,
    Connect,
    ContestedCa,
    certificate_path,
    possession_path,
)
from support.engines import Engines
from support.node_here import NodeHere, process_given_back
from support.onlooker import AS_CONFIGURED, Onlooker
from support.ownership import Ownership, Upload

EXAMPLES = int(os.environ.get("CERTINEL_STORY_EXAMPLES", "0"))
OFFLINE_CHECK = "/tenant/options/configuration/crl.offline.check.enabled"

Uploaded: TypeAlias = tuple[str, str]
"""Tenant and certificate of something that was uploaded, and perhaps deleted meanwhile."""


class ProofBy(Enum):
    """How possession is proven, or not."""

    SIGNATURE = auto()
    OPERATOR = auto()
    WRONG_KEY = auto()


a_tenant = st.sampled_from(TENANTS)
a_certificate = st.sampled_from(tuple(CERTIFICATES))
first_acts = st.sampled_from([(), ("prove",), ("prove", "disable"), ("prove", "delete"), ("disable",)])
mostly = st.sampled_from([True, True, True, False])
a_device = st.sampled_from(tuple(DEVICES))


class TrustStory(RuleBasedStateMachine):
    """Acts of tenants and devices in any order."""

    uploads: Bundle[Uploaded] = Bundle("uploads")

    def __init__(self, begin: Callable[[], AbstractContextManager[ContestedCa]]) -> None:
        super().__init__()
        self.end = ExitStack()
        self.ca = self.end.enter_context(begin())
        self.model = Ownership(self.ca.node.clock.now())
        self.onlooker = Onlooker(self.ca, self.model)

    def teardown(self) -> None:
        self.onlooker.leave()
        self.end.close()

    # --- what tenants do

    @initialize(
        target=uploads,
        order=st.permutations(TENANTS),
        twin_at=st.integers(0, 2),
        acts=st.tuples(first_acts, first_acts, first_acts),
    )
    def beginning(self, order: list[str], twin_at: int, acts: tuple[tuple[str, ...], ...]) -> Any:
        """Two tenants have the CA, one has its evil twin; some prove it, devices connect, and some withdraw theirs."""
        uploaded = [(tenant, TWIN if at == twin_at else "plant") for at, tenant in enumerate(order)]
        for one, first in zip(uploaded, acts, strict=True):
            self.upload(*one, is_enabled=True, registers=True)
            if "prove" in first:
                self.prove(one, ProofBy.SIGNATURE)
        self.all_devices_connect()
        for one, first in zip(uploaded, acts, strict=True):
            self.node_and_rules_agree()
            if "disable" in first:
                self.switch(one, is_enabled=False, registers=True, by_operator=False)
            if "delete" in first:
                self.delete(one)
        return multiple(*uploaded)

    @rule(target=uploads, tenant=a_tenant, certificate=a_certificate, is_enabled=mostly, registers=mostly)
    def upload(self, tenant: str, certificate: str, is_enabled: bool, registers: bool) -> Any:
        modelled = MODELLED_CERTIFICATES[certificate]
        is_there = self._there((tenant, certificate)) is not None
        draft = {
            "name": certificate,
            "status": "ENABLED" if is_enabled else "DISABLED",
            "autoRegistrationEnabled": registers,
            "certInPemFormat": CERTIFICATES[certificate].pem,
        }
        wrong = 422 if modelled.ends < self.model.at else 409 if is_there else None
        self.onlooker.let_time_pass(timedelta(seconds=1))  # no two things are uploaded at the same moment
        if not self._act(tenant, "POST", f"/tenant/tenants/{tenant}/trusted-certificates", draft, wrong=wrong):
            return multiple()
        self.model.upload(tenant, modelled, is_enabled=is_enabled, registers=registers)
        return tenant, certificate

    @rule(uploaded=uploads, how=st.sampled_from(ProofBy))
    def prove(self, uploaded: Uploaded, how: ProofBy) -> None:
        """Anybody can who was given the key; the operator needs none."""
        upload = self._there(uploaded)
        place, wrong = possession_path(*uploaded), 404 if upload is None else None
        if how is ProofBy.OPERATOR:
            is_done = self._act(OPERATOR, "POST", f"{place}/confirmed", wrong=wrong)
        else:
            if upload is not None and how is ProofBy.WRONG_KEY:
                wrong = 422 if upload.is_proven else 400
            elif upload is not None and upload.is_proven:
                wrong = 422
            tenant, certificate = uploaded
            signing = certificate if how is ProofBy.SIGNATURE else "hall" if certificate != "hall" else "plant"
            signed = self.ca.signed_code(tenant, certificate, key_of=signing)
            body = {"proofOfPossessionSignedVerificationCode": signed}
            is_done = self._act(tenant, "POST", f"{place}/pop", body, wrong=wrong)
        if is_done and upload is not None:
            upload.is_proven = True
            self.onlooker.look_away()

    @rule(uploaded=uploads, by_operator=st.booleans())
    def withdraw_proof(self, uploaded: Uploaded, by_operator: bool) -> None:
        tenant, modelled = uploaded[0], MODELLED_CERTIFICATES[uploaded[1]]
        wrong = None if self.model.has_claim(tenant, modelled) else 404
        by = OPERATOR if by_operator else tenant
        if self._act(by, "DELETE", f"{possession_path(*uploaded)}/pop", wrong=wrong):
            self.model.withdraw(tenant, modelled)

    @rule(uploaded=uploads, is_enabled=st.booleans(), registers=st.booleans(), by_operator=st.booleans())
    def switch(self, uploaded: Uploaded, is_enabled: bool, registers: bool, by_operator: bool) -> None:
        upload = self._there(uploaded)
        has_ended = is_enabled and MODELLED_CERTIFICATES[uploaded[1]].ends < self.model.at
        body = {"status": "ENABLED" if is_enabled else "DISABLED", "autoRegistrationEnabled": registers}
        wrong = 404 if upload is None else 422 if has_ended else None
        by = OPERATOR if by_operator else uploaded[0]
        if self._act(by, "PUT", certificate_path(*uploaded), body, wrong=wrong) and upload is not None:
            upload.is_enabled, upload.registers = is_enabled, registers

    @rule(uploaded=uploads)
    def delete(self, uploaded: Uploaded) -> None:
        upload = self._there(uploaded)
        wrong = 404 if upload is None else None
        if self._act(uploaded[0], "DELETE", certificate_path(*uploaded), wrong=wrong) and upload is not None:
            upload.deleted_at = self.model.at

    @rule(target=uploads, uploaded=uploads, by=a_certificate, and_wait=st.booleans())
    def replace(self, uploaded: Uploaded, by: str, and_wait: bool) -> Any:
        """Renew a CA, delete the old certificate, and perhaps wait until its claim has ended; or upload it anew."""
        tenant, certificate = uploaded
        if by == certificate:
            self.delete(uploaded)
            self.node_and_rules_agree()
        replaced = self.upload(tenant, by, is_enabled=True, registers=True)
        self.node_and_rules_agree()
        if by != certificate:
            self.delete(uploaded)
            self.node_and_rules_agree()
        if and_wait:
            self.time_passes(timedelta(days=31))
        return replaced

    @rule(uploaded=uploads, device=st.one_of(st.none(), a_device))
    def revoke(self, uploaded: Uploaded, device: str | None) -> None:
        """A device of the tenant, or its CA."""
        tenant, certificate = uploaded
        issued = CERTIFICATES[certificate] if device is None else DEVICES[device]
        serial = issued.certificate.serial_number
        body = {"crls": [{"serialNumberInHex": f"{serial:x}"}]}
        if self._act(tenant, "PUT", "/tenant/trusted-certificates/settings/crl", body):
            self.model.revoked.add((tenant, serial))

    @rule(tenant=a_tenant, is_checking=st.booleans())
    def check_revocation(self, tenant: str, is_checking: bool) -> None:
        if self._act(tenant, "PUT", OFFLINE_CHECK, {"value": str(is_checking).lower()}):
            (self.model.not_checking.discard if is_checking else self.model.not_checking.add)(tenant)

    @rule(tenant=a_tenant, device=a_device, is_enabled=st.booleans())
    def switch_device(self, tenant: str, device: str, is_enabled: bool) -> None:
        name = MODELLED_DEVICES[device].name
        wrong = None if (tenant, name) in self.model.device_users else 404
        if self._act(tenant, "PUT", f"/user/{tenant}/users/device_{name}", {"enabled": is_enabled}, wrong=wrong):
            self.model.device_users[tenant, name] = is_enabled

    @rule(tenant=a_tenant, is_suspended=st.booleans())
    def suspend(self, tenant: str, is_suspended: bool) -> None:
        body = {"status": "SUSPENDED" if is_suspended else "ACTIVE"}
        if self._act(OPERATOR, "PUT", f"/tenant/tenants/{tenant}", body):
            (self.model.suspended.add if is_suspended else self.model.suspended.discard)(tenant)

    def _act(
        self, by: str, method: str, path: str, body: dict[str, Any] | None = None, *, wrong: int | None = None
    ) -> bool:
        """Do it by REST; true when it is done, as it must be unless its user is kept out or something is ``wrong``."""
        self.onlooker.watch_act_of(by)
        status = self.ca.call(by, method, path, body).status_code
        expected = 401 if by in self.model.suspended else wrong
        assert status == expected if expected is not None else 200 <= status < 300
        return expected is None

    def _there(self, uploaded: Uploaded) -> Upload | None:
        """The upload, if it was not deleted."""
        tenant, certificate = uploaded
        return self.model.there(tenant, MODELLED_CERTIFICATES[certificate])

    # --- what happens

    @rule(by=st.sampled_from([timedelta(days=1), timedelta(days=29), timedelta(days=31)]))
    def time_passes(self, by: timedelta) -> None:
        self.onlooker.let_time_pass(by)
        self.onlooker.forget_attempts()

    @rule()
    def restart(self) -> None:
        self.onlooker.restart_node()

    @rule(
        device=a_device,
        sent=st.sampled_from(SENT),
        named=st.one_of(st.none(), a_tenant),
        by_server_name=st.booleans(),
    )
    def connect(self, device: str, sent: str, named: str | None, by_server_name: bool) -> None:
        """What everybody is told beforehand is what then happens."""
        connect = Connect(device, sent, named, by_server_name)
        verdict = self.model.verdict(connect.modelled)
        assert self.ca.explained(OPERATOR, connect) == verdict
        assert self.ca.verified(OPERATOR, connect) == verdict.owner
        for viewer in set(TENANTS) - self.model.suspended:
            asked = dataclasses.replace(connect, named=viewer if named == viewer else None)
            seen = self.model.verdict_seen_by(viewer, asked.modelled)
            assert self.ca.explained(viewer, asked) == seen
            assert self.ca.verified(viewer, asked) == seen.owner
        self.onlooker.connect(connect)

    @rule()
    def all_devices_connect(self) -> None:
        for connect in AS_CONFIGURED:
            self.onlooker.connect(connect)

    # --- what must be so

    @invariant()
    def node_and_rules_agree(self) -> None:
        self.onlooker.look()


def _tell(begin: Callable[[], AbstractContextManager[ContestedCa]], examples: int) -> None:
    health = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    told = settings(
        max_examples=EXAMPLES or examples,
        stateful_step_count=30,
        derandomize=not EXAMPLES,
        database=None,
        report_multiple_bugs=False,
        deadline=None,
        suppress_health_check=health,
    )
    with process_given_back():
        run_state_machine_as_test(lambda: TrustStory(begin), settings=told)


@pytest.mark.timeout(24 * 3600 if EXAMPLES else 900)  # shrinking a failure takes minutes
def test_devices_belong_to_one_tenant_whatever_others_do(tmp_path: Path) -> None:
    begun, numbers = ContestedCa(NodeHere(tmp_path / "begun"), tmp_path), count()
    begun.begin()
    begun.node.close()

    @contextmanager
    def begin() -> Iterator[ContestedCa]:
        ca = begun.copy(tmp_path / f"example {next(numbers)}")
        ca.start()
        try:
            yield ca
        finally:
            ca.node.close()
            shutil.rmtree(ca.node.data_folder)

    _tell(begin, examples=9)


@pytest.mark.timeout(24 * 3600 if EXAMPLES else 900)
def test_devices_belong_to_one_tenant_on_postgresql(tmp_path: Path, engines: Engines) -> None:
    numbers = count()

    @contextmanager
    def begin() -> Iterator[ContestedCa]:
        with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
            database = AsyncExitStack()
            url = runner.run(database.enter_async_context(engines.fresh_url("postgresql")))
            ca = ContestedCa(NodeHere(tmp_path / f"example {next(numbers)}", url), tmp_path)
            ca.begin()
            try:
                yield ca
            finally:
                ca.node.close()
                runner.run(database.aclose())

    _tell(begin, examples=2)
