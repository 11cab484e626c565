"""Microsoft.OperationalInsights workspaces; Microsoft.Insights components, diagnostic settings."""

from __future__ import annotations

from local_azure.types.resource_type import Body, NameRule, ResourceType, stable_guid, succeeded
from local_azure.types.schema import Overlay


def _workspace_outputs(resource_id: str, body: Body) -> Body:
    state = succeeded(resource_id, body)
    state["properties"]["customerId"] = stable_guid(resource_id, "customer")
    state["properties"]["features"] = {"legacy": 0, "searchVersion": 1}
    state["properties"]["workspaceCapping"] = {"dataIngestionStatus": "RespectQuota"}
    return state


def _component_outputs(resource_id: str, body: Body) -> Body:
    key = stable_guid(resource_id, "instrumentation")
    application = stable_guid(resource_id, "application")
    host = f"https://{body['location']}.in.applicationinsights.azure.com/"
    return {
        "properties": {
            "provisioningState": "Succeeded",
            "AppId": application,
            "ApplicationId": resource_id.rsplit("/", 1)[-1],
            "InstrumentationKey": key,
            "ConnectionString": f"InstrumentationKey={key};IngestionEndpoint={host}",
        }
    }


_OPEN = {
    "properties.publicNetworkAccessForIngestion": "Enabled",
    "properties.publicNetworkAccessForQuery": "Enabled",
}

LOG_ANALYTICS = ResourceType(
    type="Microsoft.OperationalInsights/workspaces",
    token="azure-native:operationalinsights:Workspace",  # noqa: S106 - a type's name
    api_versions=("2023-09-01", "2020-08-01"),
    overlay=Overlay(
        unsupported=("etag", "identity", "properties.features.clusterResourceId"),
        read_only=(
            "properties.provisioningState",
            "properties.customerId",
            "properties.features.legacy",
            "properties.features.searchVersion",
            "properties.workspaceCapping.dataIngestionStatus",
        ),
        limits={"properties.retentionInDays": {"minimum": 30, "maximum": 730}},
        # Recorded answers to azure-cli's `monitor log-analytics workspace create`.
        defaults={
            "properties.sku": {"name": "PerGB2018"},
            "properties.retentionInDays": 30,
            "properties.features": {"enableLogAccessUsingOnlyResourcePermissions": True},
            "properties.workspaceCapping": {"dailyQuotaGb": -1},
            **_OPEN,
        },
    ),
    name_input="workspaceName",
    name_rule=NameRule(
        r"[A-Za-z0-9][-A-Za-z0-9]{2,61}[A-Za-z0-9]",
        "4 to 63 letters, digits and hyphens, a letter or digit first and last",
    ),
    outputs=_workspace_outputs,
)

APPLICATION_INSIGHTS = ResourceType(
    type="Microsoft.Insights/components",
    token="azure-native:applicationinsights:Component",  # noqa: S106 - a type's name
    api_versions=("2020-02-02", "2015-05-01"),
    overlay=Overlay(
        unsupported=(
            "etag",
            "properties.ForceCustomerStorageForProfiler",
            "properties.HockeyAppId",
        ),
        read_only=(
            "properties.provisioningState",
            "properties.AppId",
            "properties.ApplicationId",
            "properties.InstrumentationKey",
            "properties.ConnectionString",
        ),
        # Recorded answers to azure-cli's `monitor app-insights component create`.
        defaults={
            "properties.RetentionInDays": 90,
            "properties.IngestionMode": "LogAnalytics",
            **_OPEN,
        },
    ),
    name_input="resourceName",
    long_running=False,
    outputs=_component_outputs,
)

DIAGNOSTIC_SETTING = ResourceType(
    type="Microsoft.Insights/diagnosticSettings",
    token="azure-native:monitor:DiagnosticSetting",  # noqa: S106 - a type's name
    api_versions=("2021-05-01-preview",),
    overlay=Overlay(),
    name_input="name",
    scope_input="resourceUri",
    new_on=(),
    left_out="default",
    long_running=False,
)
TYPES = (LOG_ANALYTICS, APPLICATION_INSIGHTS, DIAGNOSTIC_SETTING)
