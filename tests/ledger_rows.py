"""A long ledger for tests, made by SQL: attempts of the last 31 days, with the sums and budgets that belong to them."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

KEY = "fedcba98"  # a fingerprint
MODELS = ("gpt-6-luna", "gpt-6-sol", "gpt-6.1-terra")
HOUR_MS, DAY_MS = 3_600_000, 86_400_000

_LEDGER = f"""
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :rows)
INSERT INTO ledger (id, visitor, chat, message, model, key_fingerprint, outcome, basis, input_tokens, cached_tokens,
    cache_write_tokens, output_tokens, reasoning_tokens, cost_nano, held_nano, started_at, first_ms, ended_at)
SELECT printf('%032x', i), printf('%08x%024x', (i % :visitors + 1) * 2654435761 % 4294967296, i % :visitors),
    'chat-' || i, 'message-' || i,
    CASE WHEN i % 7 < 4 THEN '{MODELS[0]}' WHEN i % 7 < 6 THEN '{MODELS[1]}' ELSE '{MODELS[2]}' END, '{KEY}',
    CASE WHEN i % 20 < 17 THEN 'complete' WHEN i % 20 < 18 THEN 'stopped' WHEN i % 20 < 19 THEN 'busy' ELSE 'broken'
    END, 'usage', 900 + i % 300, i % 200, 0, 200 + i % 400, 0, 20000 + 900 * (i % 97), 2000000,
    :now - 31 * {DAY_MS} * (:rows - 1 - i) / :rows, CASE WHEN i % 20 < 18 THEN 250 + i % 900 END,
    :now - 31 * {DAY_MS} * (:rows - 1 - i) / :rows + 4000
FROM n
"""
_SUMS = f"""
INSERT INTO usage_hours SELECT started_at / {HOUR_MS} * {HOUR_MS} AS hour, model, outcome, count(*), sum(input_tokens),
    sum(cached_tokens), sum(output_tokens), sum(cost_nano), coalesce(sum(first_ms), 0), count(first_ms)
FROM ledger GROUP BY hour, model, outcome
"""
_BUDGETS = f"""
INSERT INTO budgets SELECT 'site/day/' || :day, sum(cost_nano), 30000000, :ends + 400 * {DAY_MS} FROM ledger
    WHERE started_at >= :today
UNION ALL SELECT 'site/month/' || :month, sum(cost_nano), 30000000, :ends + 400 * {DAY_MS} FROM ledger
    WHERE started_at >= :month_began
UNION ALL SELECT 'visitor/' || visitor || '/day/' || :day, sum(cost_nano), 0, :ends + 40 * {DAY_MS} FROM ledger
    WHERE started_at >= :today GROUP BY visitor
"""


def fill(path: Path, rows: int, visitors: int = 2_000) -> None:
    """Put so many attempts into an empty ledger, the last of them now."""
    now = int(time.time() * 1000)
    today, told = now // DAY_MS * DAY_MS, time.gmtime(now / 1000)
    values = {
        "now": now, "rows": rows, "visitors": visitors, "today": today, "ends": today + DAY_MS,
        "day": time.strftime("%Y-%m-%d", told), "month": time.strftime("%Y-%m", told),
        "month_began": today - (told.tm_mday - 1) * DAY_MS,
    }  # fmt: skip
    database = sqlite3.connect(path)
    with database:
        for statement in (_LEDGER, _SUMS, _BUDGETS):
            database.execute(statement, values)
    database.close()
