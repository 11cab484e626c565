"""What every target tells the container and shows of it: what is known, and nothing else."""

from __future__ import annotations

import asyncio
from typing import Any

import pulumi

from infra.image_reference import ImageReference
from infra.scoring_service import ScoringService

DIGEST = f"sha256:{'a' * 64}"


def a_service(**values: Any) -> ScoringService:
    known: dict[str, Any] = {
        "image": ImageReference("cr.azurecr.io", "svc", digest=DIGEST),
        "model_sha256": "b" * 64,
        "cpu": 1.0,
        "memory_gb": 1.0,
        "port": 5001,
        "dns_label": "svc",
        "tags": {},
        **dict.fromkeys(("model_version", "data", "description")),
        **dict.fromkeys(("scoring_key", "scoring_key_secondary")),
    }
    return ScoringService(**{**known, **values})


def test_it_is_shown_as_the_model_that_it_is() -> None:
    assert a_service().identity == {"method": "sklearn", "modelSha256": "b" * 64}
    assert a_service(data="mnist", model_version="3").identity == {
        "data": "mnist",
        "method": "sklearn",
        "modelSha256": "b" * 64,
        "modelVersion": "3",
    }


def test_the_container_is_told_its_model_its_port_and_what_the_stack_describes() -> None:
    told = {"MODEL_SHA256": "b" * 64, "SCORING_PORT": "5001"}
    assert a_service().variables == told
    assert a_service(description="Digits.").variables == {
        **told,
        "SERVICE_DESCRIPTION": "Digits.",
    }


def test_each_key_is_its_own_secret_variable() -> None:
    async def ask() -> None:
        one, two = pulumi.Output.secret("k" * 16), pulumi.Output.secret("l" * 16)
        assert a_service().keys == {}
        assert a_service(scoring_key=one).keys == {"SCORING_KEY": one}
        assert a_service(scoring_key=one, scoring_key_secondary=two).keys == {
            "SCORING_KEY": one,
            "SCORING_KEY_SECONDARY": two,
        }

    asyncio.run(ask())
