"""Settings, read from the environment once, as a frozen dataclass.

Nothing else in the program reads the environment.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that differs between two installations of the same program."""

    database_url: str  # the owner of the tables: migrates
    app_database_url: str  # the application: no UPDATE or DELETE on ledger, audit and consent
    redis_url: str
    secret_key: str = field(repr=False)
    master_keys: str = field(repr=False)  # "1:base64,2:base64"; the highest number locks
    instance: str  # live, sandbox or demo
    base_url: str
    data_folder: Path  # files that are not in the database
    stripe_secret_key: str = field(repr=False)
    stripe_webhook_secret: str = field(repr=False)
    stripe_api_url: str | None  # None: Stripe itself
    argon2_memory_kib: int = 19_456
    argon2_time_cost: int = 2

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read the settings; raises KeyError naming the first variable that is missing."""
        env = os.environ if environment is None else environment
        return cls(
            database_url=env["DATABASE_URL"],
            app_database_url=env.get("DATABASE_APP_URL") or as_application(env["DATABASE_URL"]),
            redis_url=env["REDIS_URL"],
            secret_key=env["EXCHANGE_SECRET_KEY"],
            master_keys=env["EXCHANGE_MASTER_KEYS"],
            instance=env.get("EXCHANGE_INSTANCE", "live"),
            base_url=env.get("EXCHANGE_BASE_URL", "http://localhost:8000"),
            data_folder=Path(env.get("EXCHANGE_DATA", ROOT / "instance")),
            stripe_secret_key=env.get("STRIPE_SECRET_KEY", ""),
            stripe_webhook_secret=env.get("STRIPE_WEBHOOK_SECRET", ""),
            stripe_api_url=env.get("STRIPE_API_URL"),
            argon2_memory_kib=int(env.get("EXCHANGE_ARGON2_MEMORY_KIB", "19456")),
            argon2_time_cost=int(env.get("EXCHANGE_ARGON2_TIME_COST", "2")),
        )


APPLICATION_ROLE = "exchange_app"


def as_application(url: str) -> str:
    """The same server, entered as the application's role.

    The role is set by a start-up option, so RESET ROLE does not bring the owner back.
    DATABASE_APP_URL names a separate log-in where the operator wants one.
    """
    joint = "&" if "?" in url else "?"
    return f"{url}{joint}options=-c%20role%3D{APPLICATION_ROLE}"
