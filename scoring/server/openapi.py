"""`/swagger.json`: what the service takes and answers, with examples of the real model's shape."""

from __future__ import annotations

from typing import Any

from scoring.manifest import Manifest
from scoring.settings import Settings


def document(settings: Settings, manifest: Manifest) -> dict[str, Any]:
    """The OpenAPI 3.0 document."""
    row = {
        "type": "array",
        "items": {"type": "number"},
        "minItems": manifest.features,
        "maxItems": manifest.features,
    }
    return {
        "openapi": "3.0.3",
        "info": {
            "title": manifest.name,
            "version": manifest.version,
            "description": settings.description,
        },
        "paths": {
            "/score": {
                "post": {
                    "operationId": "score",
                    "requestBody": {
                        "required": True,
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "object",
                                    "required": ["data"],
                                    "properties": {
                                        "data": {"type": "array", "minItems": 1, "items": row}
                                    },
                                }
                            }
                        },
                    },
                    "responses": {"200": {"description": "One prediction a row."}},
                }
            }
        },
    }
