"""What the columns of a table of devices mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certinel.domain.bulk_registration import (
    AuthType,
    DeviceRegistration,
    Entry,
    ExpectedDevice,
    FailedRow,
    RegistrationLayout,
)
from certinel.domain.device_table import TableRow, UnusableTableError
from certinel.domain.identifiers import MANAGEMENT_TENANT, TenantId

T1 = TenantId("t1")


def read(headings: str, row: str, tenant: TenantId = T1) -> Entry:
    layout = RegistrationLayout(headings.split(";"), tenant, is_management=tenant == MANAGEMENT_TENANT)
    return layout.entry(TableRow(2, tuple(row.split(";"))))


def registration(headings: str, row: str) -> DeviceRegistration:
    entry = read(headings, row)
    assert isinstance(entry, DeviceRegistration), entry
    return entry


def reason(headings: str, row: str, tenant: TenantId = T1) -> str:
    entry = read(headings, row, tenant)
    assert isinstance(entry, FailedRow), entry
    return entry.reason


@given(
    st.lists(st.sampled_from(["ID", "id", "CREDENTIALS", "AUTH_TYPE", "PATH", "external-x", "a", "a.b", "", "\0"])),
    st.lists(st.text(max_size=40), max_size=8),
)
def test_any_cells_are_an_entry_and_any_headings_a_layout_or_unusable(headings: list[str], cells: list[str]) -> None:
    try:
        layout = RegistrationLayout(headings, T1, is_management=False)
    except UnusableTableError:
        return
    assert isinstance(layout.entry(TableRow(2, tuple(cells))), ExpectedDevice | FailedRow)


def test_columns_may_come_in_any_order_and_case() -> None:
    entry = registration("name;Auth_Type;id", "Pump;certificates;x1")
    assert (entry.device, entry.name, entry.auth_type) == ("x1", "Pump", AuthType.CERTIFICATES)


@pytest.mark.parametrize("written", ["", "BASIC", "CREDENTIALS", "basic"])
def test_devices_have_a_password_unless_the_row_says_certificates(written: str) -> None:
    assert registration("ID;AUTH_TYPE;CREDENTIALS", f"x1;{written};12345678").password == "12345678"


def test_credentials_of_a_device_with_a_certificate_are_not_kept() -> None:
    assert registration("ID;AUTH_TYPE;CREDENTIALS", "x1;CERTIFICATES;12345678").password is None


@pytest.mark.parametrize("password", ["", "1234567", "x" * 33])
def test_password_has_8_to_32_characters(password: str) -> None:
    assert reason("ID;CREDENTIALS", f"x1;{password}").startswith("CREDENTIALS")


def test_secrets_are_in_no_repr() -> None:
    entry = registration("ID;CREDENTIALS", "x1;a secret word")
    assert "secret" not in repr(entry)
    assert "secret" not in repr(TableRow(1, ("a secret word",)))


def test_empty_columns_of_a_certificate_device_do_not_matter() -> None:
    headings = "ID;AUTH_TYPE;CREDENTIALS;ENROLLMENT_OTP;NAME;TYPE;IDTYPE;ICCID;TENANT;PATH"
    entry = registration(headings, "x1;CERTIFICATES;;;;;;;;")
    assert (entry.name, entry.type, entry.path, entry.external_ids) == (None, None, (), (("c8y_Serial", "x1"),))


def test_unknown_authentication_is_refused() -> None:
    assert reason("ID;AUTH_TYPE", "x1;TOKEN") == "AUTH_TYPE is 'TOKEN'; BASIC or CERTIFICATES is expected."


def test_one_time_password_needs_certificates() -> None:
    assert "ENROLLMENT_OTP" in reason("ID;CREDENTIALS;ENROLLMENT_OTP", "x1;12345678;once")
    assert registration("ID;AUTH_TYPE;ENROLLMENT_OTP", "x1;CERTIFICATES;once").enrollment_otp == "once"


@pytest.mark.parametrize("name", ["a b", "a/b", "a\\b", "a$b", "a+b", "a:b", "a\x01b"])
def test_name_with_a_forbidden_character_is_refused(name: str) -> None:
    assert "character which is not permitted" in reason("ID;AUTH_TYPE", f"{name};CERTIFICATES")


def test_path_is_a_list_of_groups() -> None:
    assert registration("ID;AUTH_TYPE;PATH", "x1;CERTIFICATES;/plant//line 1/ ").path == ("plant", "line 1")


def test_dots_make_objects_and_values_stay_text() -> None:
    entry = registration("ID;AUTH_TYPE;a.b.c;a.d;e;f", "x1;CERTIFICATES;1;{2};true;")
    assert entry.fragments == {
        "a": {"b": {"c": "1"}, "d": "{2}"},
        "e": "true",
        "c8y_IsDevice": {},
        "com_cumulocity_model_Agent": {},
    }


@pytest.mark.parametrize(("active", "agent"), [("true", {"active": "true"}), ("True", {"active": "True"}), ("", {})])
def test_device_is_an_agent_unless_it_says_no(active: str, agent: dict[str, str]) -> None:
    headings = "ID;AUTH_TYPE;com_cumulocity_model_Agent.active"
    assert registration(headings, f"x1;CERTIFICATES;{active}").fragments["com_cumulocity_model_Agent"] == agent
    assert "com_cumulocity_model_Agent" not in registration(headings, "x1;CERTIFICATES;False").fragments


def test_custom_property_cannot_unmake_a_device() -> None:
    entry = registration("ID;AUTH_TYPE;c8y_IsDevice;c8y_Mobile;ICCID", "x1;CERTIFICATES;no;no;89")
    assert (entry.fragments["c8y_IsDevice"], entry.fragments["c8y_Mobile"]) == ({}, {"iccid": "89"})


@pytest.mark.parametrize("headings", ["NAME", "ID;id", "ID;", "ID;a;a", "ID;a;a.b", "ID;a..b", "ID;" + "a." * 10 + "a"])
def test_headings_that_contradict_each_other_are_unusable(headings: str) -> None:
    with pytest.raises(UnusableTableError):
        RegistrationLayout(headings.split(";"), T1, is_management=False)


def test_row_with_another_number_of_fields_fails() -> None:
    assert reason("ID;AUTH_TYPE", "x1") == "Line 2 has 1 fields, the first line has 2."


def test_id_and_path_alone_are_the_simple_form() -> None:
    entry = read("ID;PATH", "x1;plant")
    assert type(entry) is ExpectedDevice
    assert (entry.device, entry.tenant, entry.path) == ("x1", "t1", ("plant",))


def test_tenant_is_for_the_management_tenant_only() -> None:
    assert registration("ID;AUTH_TYPE;TENANT", "x1;CERTIFICATES;t2").tenant == "t1"
    entry = read("ID;AUTH_TYPE;TENANT", "x1;CERTIFICATES;t2", MANAGEMENT_TENANT)
    assert isinstance(entry, DeviceRegistration)
    assert entry.tenant == "t2"
    assert reason("ID;AUTH_TYPE;TENANT", "x1;CERTIFICATES;", MANAGEMENT_TENANT) == "TENANT is missing."


def test_failed_row_is_shown_without_credentials() -> None:
    entry = read("ID;CREDENTIALS", "x1;secret")
    assert isinstance(entry, FailedRow)
    assert entry.line == "DeviceInfo{id='x1', credentials='', tenant='t1'}"
    assert "secret" not in entry.reason
