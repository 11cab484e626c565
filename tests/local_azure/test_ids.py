from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_azure.arm.errors import ArmError
from local_azure.arm.ids import GROUPS, parse
from local_azure.arm.paths import canonical

NAMES = st.text(st.sampled_from("abcXYZ019-_."), min_size=1, max_size=20).filter(
    lambda name: name.lower() != "providers" and not name.endswith(".")
)


def test_a_resource_in_a_group():
    rid = parse("/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v")
    assert (rid.type, rid.name, rid.group) == ("Microsoft.KeyVault/vaults", "v", "g")
    assert rid.parent == "/subscriptions/s/resourceGroups/g"


def test_a_resource_group():
    rid = parse("/subscriptions/s/resourcegroups/g")
    assert (rid.type, rid.name, rid.parent) == (GROUPS, "g", None)


def test_a_child_has_its_parent():
    registry = "/subscriptions/s/resourceGroups/g/providers/A.B/registries/r"
    rid = parse(f"{registry}/webhooks/w")
    assert (rid.type, rid.names) == ("A.B/registries/webhooks", ("r", "w"))
    assert rid.parent == registry


def test_an_extension_has_what_it_extends():
    registry = "/subscriptions/s/resourceGroups/g/providers/A.B/registries/r"
    rid = parse(f"{registry}/providers/Microsoft.Authorization/roleAssignments/x")
    assert rid.type == "Microsoft.Authorization/roleAssignments"
    assert rid.parent == registry
    assert rid.group == "g"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/subscriptions",
        "/groups/x",
        "/subscriptions/s/nothing/x",
        "/subscriptions/s/resourceGroups",
        "/subscriptions/s/resourceGroups/g/providers",
        "/subscriptions/s/resourceGroups/g/providers/A.B/t",
        "/subscriptions/s/resourceGroups/g/providers/A.B/t/n/u",
        "/subscriptions/s//providers/A.B/t/n",
        "/subscriptions/s/resourceGroups/g/providers/A.B/t/<script>",
    ],
)
def test_what_is_no_id_is_refused(path: str):
    with pytest.raises(ArmError) as refused:
        parse(path)
    assert refused.value.code == "InvalidResourceId"


@pytest.mark.parametrize("name", ["ends.", "sp ace", "a" * 91, ["ä", "ö"][0] + "!"])
def test_impossible_group_names_are_refused(name: str):
    with pytest.raises(ArmError) as refused:
        parse(f"/subscriptions/s/resourceGroups/{name}")
    assert refused.value.code == "InvalidResourceGroup"


@given(NAMES, NAMES, st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=3))
def test_an_id_is_the_sum_of_its_parts(group: str, namespace: str, levels: list[tuple[str, str]]):
    tail = "/".join(f"{kind}/{name}" for kind, name in levels)
    text = f"/subscriptions/s/resourceGroups/{group}/providers/{namespace}/{tail}"
    rid = parse(text)
    assert rid.text == text
    assert rid.type == "/".join([namespace, *(kind for kind, _ in levels)])
    assert rid.names == tuple(name for _, name in levels)
    assert parse(text.upper()).key == rid.key


@given(st.text(max_size=200))
def test_any_text_is_an_id_or_a_refusal(text: str):
    try:
        rid = parse(text)
    except ArmError:
        return
    assert rid.key == rid.text.lower()


@given(st.text(st.sampled_from("/abcPROVIDERSsubscriptions.-"), max_size=120))
def test_spelling_a_path_changes_nothing_but_case(path: str):
    assert canonical(path).lower() == path.lower()
    assert canonical(canonical(path)) == canonical(path)


def test_arms_words_and_types_get_azures_spelling_and_names_keep_theirs():
    spelled = canonical(
        "/SUBSCRIPTIONS/S/resourcegroups/Providers/PROVIDERS/microsoft.keyvault/VAULTS/Vaults"
    )
    assert spelled == (
        "/subscriptions/S/resourceGroups/Providers/providers/Microsoft.KeyVault/vaults/Vaults"
    )
