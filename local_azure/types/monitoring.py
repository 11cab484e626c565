"""Microsoft.OperationalInsights workspaces; Microsoft.Insights components, diagnostic settings."""

from __future__ import annotations

from local_azure.types.resource_type import STATE, Body, ResourceType, stable_guid, succeeded
from local_azure.types.shape import (
    Shape,
    flag,
    many,
    named,
    number,
    one,
    read_only,
    required,
    tags,
    text,
    whole,
)


def _workspace_outputs(resource_id: str, body: Body) -> Body:
    state = succeeded(resource_id, body)
    state["properties"]["customerId"] = stable_guid(resource_id, "customer")
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


_ACCESS = text("Enabled", "Disabled", default="Enabled")

LOG_ANALYTICS = ResourceType(
    type="Microsoft.OperationalInsights/workspaces",
    token="azure-native:operationalinsights:Workspace",  # noqa: S106 - a type's name
    api_versions=("2023-09-01", "2025-07-01", "2025-02-01", "2022-10-01"),
    shape=Shape(
        top={"location": required(text()), "tags": tags()},
        properties={
            **STATE,
            "customerId": read_only(text()),
            "sku": one(
                Shape(
                    {
                        "name": required(
                            text(
                                "PerGB2018", "Free", "Standalone", "PerNode", "CapacityReservation"
                            )
                        ),
                        "capacityReservationLevel": whole(),
                    }
                )
            ),
            "retentionInDays": whole(default=30),
            "workspaceCapping": one(Shape({"dailyQuotaGb": number()})),
            "features": one(
                Shape(
                    {
                        "disableLocalAuth": flag(),
                        "enableDataExport": flag(),
                        "enableLogAccessUsingOnlyResourcePermissions": flag(),
                        "immediatePurgeDataOn30Days": flag(),
                    }
                )
            ),
            "forceCmkForQuery": flag(),
            "publicNetworkAccessForIngestion": _ACCESS,
            "publicNetworkAccessForQuery": _ACCESS,
        },
    ),
    name_input="workspaceName",
    outputs=_workspace_outputs,
)

APPLICATION_INSIGHTS = ResourceType(
    type="Microsoft.Insights/components",
    token="azure-native:applicationinsights:Component",  # noqa: S106 - a type's name
    api_versions=("2020-02-02",),
    shape=Shape(
        top={"location": required(text()), "tags": tags(), "kind": required(text())},
        properties={
            **STATE,
            # This service is older than the rule that names begin in lower case.
            "appId": named("AppId", read_only(text())),
            "applicationId": named("ApplicationId", read_only(text())),
            "instrumentationKey": named("InstrumentationKey", read_only(text())),
            "connectionString": named("ConnectionString", read_only(text())),
            "applicationType": named("Application_Type", required(text("web", "other"))),
            "flowType": named("Flow_Type", text()),
            "requestSource": named("Request_Source", text()),
            "retentionInDays": named("RetentionInDays", whole(default=90)),
            "samplingPercentage": named("SamplingPercentage", number()),
            "disableIpMasking": named("DisableIpMasking", flag()),
            "disableLocalAuth": named("DisableLocalAuth", flag()),
            "immediatePurgeDataOn30Days": named("ImmediatePurgeDataOn30Days", flag()),
            "workspaceResourceId": named("WorkspaceResourceId", text()),
            "ingestionMode": named(
                "IngestionMode",
                text(
                    "ApplicationInsights",
                    "ApplicationInsightsWithDiagnosticSettings",
                    "LogAnalytics",
                    default="LogAnalytics",
                ),
            ),
            "publicNetworkAccessForIngestion": _ACCESS,
            "publicNetworkAccessForQuery": _ACCESS,
        },
    ),
    name_input="resourceName",
    long_running=False,
    outputs=_component_outputs,
)

_RETENTION = Shape({"days": required(whole()), "enabled": required(flag())})
_LOG = Shape(
    {
        "category": text(),
        "categoryGroup": text(),
        "enabled": required(flag()),
        "retentionPolicy": one(_RETENTION),
    }
)
_METRIC = Shape(
    {
        "category": text(),
        "enabled": required(flag()),
        "retentionPolicy": one(_RETENTION),
        "timeGrain": text(),
    }
)

DIAGNOSTIC_SETTING = ResourceType(
    type="Microsoft.Insights/diagnosticSettings",
    token="azure-native:monitor:DiagnosticSetting",  # noqa: S106 - a type's name
    api_versions=("2021-05-01-preview",),
    shape=Shape(
        top={},
        properties={
            "eventHubAuthorizationRuleId": text(),
            "eventHubName": text(),
            "logAnalyticsDestinationType": text(),
            "logs": many(_LOG),
            "marketplacePartnerId": text(),
            "metrics": many(_METRIC),
            "serviceBusRuleId": text(),
            "storageAccountId": text(),
            "workspaceId": text(),
        },
    ),
    name_input="name",
    scope_input="resourceUri",
    new_on=(),
    long_running=False,
)
TYPES = (LOG_ANALYTICS, APPLICATION_INSIGHTS, DIAGNOSTIC_SETTING)
