"""Puts a model into production. Argument: its version."""

from __future__ import annotations

import sys

from lineseal.demo.pipeline import registry
from lineseal.producers import ArtifactSpec, Emitter, model


def main(version: str) -> None:
    """Make the model the live one and record the move."""
    with Emitter.from_env() as emitter:
        replaced = registry.set_production(version)
        emitter.promote(
            _model(version),
            from_environment="staging",
            to_environment="production",
            downstream=["cheque-reader"],
        )
        if replaced:
            emitter.promote(_model(replaced), action="retire", from_environment="production")

    print(f"model {version} is in production" + (f", in place of {replaced}" if replaced else ""))


def _model(version: str) -> ArtifactSpec:
    return model("registry", "digits", version=version, path=f"models/digits-{version}.joblib")


if __name__ == "__main__":
    main(*sys.argv[1:])
