"""Swagger UI 5.35.0, which draws the API's document: Apache License 2.0, SmartBear Software.

`swagger-ui-bundle.js` and `swagger-ui.css` are those of the npm package swagger-ui-dist 5.35.0, but for the comment
that names a source map. The package's integrity:
sha512-U06rpMtW9V3XPGOBeamTUSr0Z09jMX4IJuANpE/EZbAhw0G8CgwrzU4YmXkn/h0wCDNsXdGarTNNHC3sU8yVUQ==
Their licences: LICENSE-swagger-ui.txt, NOTICE-swagger-ui.txt, swagger-ui-bundle.js.LICENSE.txt.
"""

from __future__ import annotations

from pathlib import Path

DIRECTORY = Path(__file__).parent
VERSION = "5.35.0"
