"""Names fit Azure's rules for every stack, and never change for one."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra import naming
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
    "dns_label": r"[a-z][a-z0-9-]{3,61}[a-z0-9]",
}


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
