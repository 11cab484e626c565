"""Every rule, in the order of reports."""

from __future__ import annotations

from infra.policy.rule import Rule
from infra.policy.rules.container_group import (
    container_resources_within_bounds,
    dns_label_scope_set,
    image_by_digest,
    no_plain_secret_in_environment,
    no_registry_password,
    probes_present,
    pull_identity_wired,
)
from infra.policy.rules.deployment import (
    at_least_two_replicas,
    no_plain_secret_in_pod,
    no_service_account_token,
    pod_image_by_digest,
    pod_probes_present,
    pod_resources_limited,
    pod_without_privilege,
    roll_out_without_downtime,
)
from infra.policy.rules.placement import allowed_location, required_tags
from infra.policy.rules.registry import (
    no_admin_account,
    no_anonymous_pull,
    pull_assignment_names_its_principal_type,
)
from infra.policy.rules.storage import https_only, no_public_blobs, tls_1_2
from infra.policy.rules.vault import vault_purge_protection, vault_rbac

RULES: tuple[Rule, ...] = (
    no_admin_account,
    no_anonymous_pull,
    pull_assignment_names_its_principal_type,
    no_registry_password,
    pull_identity_wired,
    image_by_digest,
    no_plain_secret_in_environment,
    container_resources_within_bounds,
    dns_label_scope_set,
    probes_present,
    pod_image_by_digest,
    pod_resources_limited,
    pod_probes_present,
    no_plain_secret_in_pod,
    roll_out_without_downtime,
    at_least_two_replicas,
    pod_without_privilege,
    no_service_account_token,
    tls_1_2,
    https_only,
    no_public_blobs,
    vault_rbac,
    vault_purge_protection,
    allowed_location,
    required_tags,
)

__all__ = ["RULES"]
