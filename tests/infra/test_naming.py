"""Names fit Azure's rules for every stack, and never change for one."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra import azure_facts, naming
from infra.naming import Names

prefixes = st.from_regex(r"[a-z][a-z0-9]{1,9}", fullmatch=True)
stacks = st.text(min_size=1, max_size=100)
RULES = {
    "resource_group": r"[-\w.()]{1,90}",
    "log_analytics": r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]",
    "application_insights": r"[\w.()-]{1,260}",
    "storage_account": r"[a-z0-9]{3,24}",
    "key_vault": r"[a-z][a-z0-9-]{1,22}[a-z0-9]",
    "workspace": r"[A-Za-z0-9][A-Za-z0-9_-]{2,32}",
    "registry": r"[a-zA-Z0-9]{5,50}",
    "identity": r"[A-Za-z0-9][A-Za-z0-9_-]{2,127}",
    "cluster": r"[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?",
    "cluster_identity": r"[A-Za-z0-9][A-Za-z0-9_-]{2,127}",
    "dns_label": r"[a-z][a-z0-9-]{3,61}[a-z0-9]",
}


SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
RELEASED: dict[tuple[str, str], dict[str, str]] = {
    ("mnist", "dev"): {
        "resource_group": "rg-mnist-dev-9a784adf",
        "log_analytics": "log-mnist-dev-9a784adf",
        "application_insights": "appi-mnist-dev-9a784adf",
        "storage_account": "stmnistdev9a784adf",
        "key_vault": "kvmnistdev9a784adf",
        "workspace": "mlw-mnist-dev-9a784adf",
        "registry": "crmnistdev9a784adf",
        "identity": "id-mnist-dev-9a784adf",
        "cluster": "aks-mnist-dev-9a784adf",
        "cluster_identity": "id-aks-mnist-dev-9a784adf",
        "dns_label": "mnist-dev-9a784adf",
    },
    # Longer than every name has room for: what is cut is pinned, too.
    ("prefix9abc", "Production-EU"): {
        "resource_group": "rg-prefix9abc-produc-53ac3a07",
        "log_analytics": "log-prefix9abc-produc-53ac3a07",
        "application_insights": "appi-prefix9abc-produc-53ac3a07",
        "storage_account": "stprefix9abcproduc53ac3a",
        "key_vault": "kvprefix9abcproduc53ac3a",
        "workspace": "mlw-prefix9abc-produc-53ac3a07",
        "registry": "crprefix9abcproduc53ac3a07",
        "identity": "id-prefix9abc-produc-53ac3a07",
        "cluster": "aks-prefix9abc-produc-53ac3a07",
        "cluster_identity": "id-aks-prefix9abc-produc-53ac3a07",
        "dns_label": "prefix9abc-produc-53ac3a07",
    },
}
"""What stacks that exist are called. A changed name destroys them: it is a decision, which the
changelog tells with what its users have to do."""


@pytest.mark.parametrize(("prefix", "stack"), RELEASED)
def test_a_released_name_never_changes(prefix: str, stack: str) -> None:
    names = Names.of(prefix, SUBSCRIPTION, "sklearn-mnist-svc", stack)
    made = {name for name in vars(Names) if isinstance(getattr(Names, name), property)}
    released = RELEASED[prefix, stack]
    assert {name for name in made if not name.startswith("_")} == set(released)
    assert {name: getattr(names, name) for name in released} == released


def test_the_released_name_of_a_role_assignment_never_changes() -> None:
    made = naming.role_assignment(SUBSCRIPTION, "crmnistdev", "id-mnist-dev", azure_facts.ACR_PULL)
    assert made == "7cb50a5c-2576-5a0e-b101-147bbb236d24"


def test_a_built_in_role_is_found_in_the_subscription() -> None:
    assert naming.role_definition("s", "r") == (
        "/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/r"
    )


def test_a_stack_name_without_a_letter_or_digit_has_a_name_all_the_same() -> None:
    assert Names.of("mnist", "s", "p", "_-_").stack == "stack"


def test_a_subscription_id_in_other_case_is_the_same_subscription() -> None:
    assert Names.of("mnist", "ABC", "p", "dev") == Names.of("mnist", "abc", "p", "dev")


@pytest.mark.parametrize("name", RULES)
@given(prefix=prefixes, stack=stacks)
def test_a_name_fits_azures_rule(name: str, prefix: str, stack: str) -> None:
    names = Names.of(prefix, "subscription", "project", stack)
    assert re.fullmatch(RULES[name], getattr(names, name))


@given(prefix=prefixes, stack=stacks)
def test_names_are_the_same_at_every_run(prefix: str, stack: str) -> None:
    assert Names.of(prefix, "s", "p", stack) == Names.of(prefix, "s", "p", stack)


def test_two_subscriptions_do_not_share_global_names() -> None:
    one, other = (Names.of("mnist", sub, "p", "dev") for sub in ("one", "other"))
    assert one.storage_account != other.storage_account
    assert one.registry != other.registry
    assert one.dns_label != other.dns_label


def test_two_long_stack_names_with_the_same_beginning_differ() -> None:
    one, other = (Names.of("mnist", "s", "p", f"production-{region}") for region in ("eu", "us"))
    assert one.key_vault != other.key_vault


def test_a_role_assignments_name_follows_from_what_it_grants() -> None:
    assert naming.role_assignment("a", "b") == naming.role_assignment("A", "b")
    assert naming.role_assignment("a", "b") != naming.role_assignment("a", "c")
