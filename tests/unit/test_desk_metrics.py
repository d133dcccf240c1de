"""/metrics: for this machine or with the password, in Prometheus' form, and true to the ledger."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
from flask import Flask

from tests.ledger_rows import fill
from tests.unit.built_app import PASSWORD, build, read, run
from tests.unit.desk_client import enter

ROWS = 3_000
SAMPLE = re.compile(r'(turnkey_[a-z_]+)(\{(?:[a-z]+="(?:[^"\\\n]|\\[\\"n])*",?)+\})? (\d+(?:\.\d+)?(?:e-\d+)?)')


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    folder = tmp_path_factory.mktemp("metrics")
    app = build(folder)
    fill(folder / "chat.db", ROWS, visitors=10)
    return app


def basic(password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"operator:{password}".encode()).decode()}


LOCAL = {"REMOTE_ADDR": "127.0.0.1"}


@pytest.mark.parametrize(
    "environ,headers,status",
    [
        (LOCAL, {}, 200),
        ({"REMOTE_ADDR": "::1"}, {"Host": "[::1]:8000"}, 200),
        ({"REMOTE_ADDR": "::ffff:127.0.0.1"}, {"Host": "127.0.0.1:8000"}, 200),
        (LOCAL, {"X-Forwarded-For": "127.0.0.1"}, 403),
        (LOCAL, {"X-Forwarded-Host": "localhost"}, 403),
        (LOCAL, {"X-Real-IP": "127.0.0.1"}, 403),
        (LOCAL, {"Forwarded": "for=127.0.0.1"}, 403),
        (LOCAL, {"Via": "1.1 proxy"}, 403),
        (LOCAL, {"Host": "chat.example.org"}, 403),
        (LOCAL, {"Host": "localhost.evil.example"}, 403),
        ({"REMOTE_ADDR": "192.0.2.7"}, {}, 403),
        ({"REMOTE_ADDR": "192.0.2.7"}, {"X-Forwarded-For": "127.0.0.1"}, 403),
        ({"REMOTE_ADDR": ""}, {}, 403),
    ],
    ids=str,
)
def test_the_metrics_are_for_this_machine(
    app: Flask, environ: dict[str, str], headers: dict[str, str], status: int
) -> None:
    answer = app.test_client().get("/metrics", environ_overrides=environ, headers=headers)
    assert answer.status_code == status
    assert ("turnkey_" in answer.text) == (status == 200)


def test_with_the_password_the_metrics_can_be_read_from_anywhere(app: Flask) -> None:
    run(app, "DELETE FROM limit_counters")
    client, far = app.test_client(), {"REMOTE_ADDR": "192.0.2.7"}
    assert "turnkey_paused 0" in client.get("/metrics", environ_overrides=far, headers=basic(PASSWORD)).text
    bearer = {"Authorization": f"Bearer {PASSWORD}"}
    assert client.get("/metrics", environ_overrides=far, headers=bearer).status_code == 403
    wrong = [client.get("/metrics", environ_overrides=far, headers=basic("wrong")).status_code for _ in range(11)]
    assert wrong == [403] * 10 + [429]
    locked = client.get("/metrics", environ_overrides=far, headers=basic(PASSWORD))
    assert locked.status_code == 429 and int(locked.headers["Retry-After"]) > 0
    assert enter(client).status_code == 429
    assert client.get("/metrics", environ_overrides=LOCAL).status_code == 200


def test_behind_a_proxy_nobody_is_taken_for_this_machine(tmp_path: Path) -> None:
    client = build(tmp_path, trusted_proxies=1).test_client()
    assert client.get("/metrics", environ_overrides=LOCAL).status_code == 403
    assert client.get("/metrics", environ_overrides=LOCAL, headers=basic(PASSWORD)).status_code == 200


@pytest.mark.parametrize("told", ["Basic b3BlcmF0b3I6eA==\x80", "Basic \xff", "Basic =", "Basic", "\x80"])
def test_a_password_that_cannot_be_read_is_a_wrong_one(app: Flask, told: str) -> None:
    run(app, "DELETE FROM limit_counters")
    far = {"REMOTE_ADDR": "192.0.2.7", "HTTP_AUTHORIZATION": told}
    assert app.test_client().get("/metrics", environ_overrides=far).status_code == 403


def test_without_a_password_the_metrics_are_for_this_machine_alone(tmp_path: Path) -> None:
    client = build(tmp_path, admin_password=None).test_client()
    assert client.get("/metrics", environ_overrides=LOCAL).status_code == 200
    far = {"REMOTE_ADDR": "192.0.2.7"}
    assert client.get("/metrics", environ_overrides=far, headers=basic("None")).status_code == 403
    assert client.get("/metrics", environ_overrides=far, headers=basic("")).status_code == 403


def scraped(app: Flask) -> dict[str, float]:
    """Every sample by its name and labels, after a look at the form."""
    answer = app.test_client().get("/metrics", environ_overrides=LOCAL)
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    found: dict[str, float] = {}
    kinds: dict[str, str] = {}
    for line in answer.text.removesuffix("\n").split("\n"):
        if told := re.fullmatch(r"# TYPE (turnkey_\w+) (counter|gauge|summary)", line):
            assert told[1] not in kinds
            kinds[told[1]] = told[2]
        elif not line.startswith("# HELP "):
            sample = SAMPLE.fullmatch(line)
            assert sample, line
            family = re.sub("_(sum|count)$", "", sample[1]) if sample[1] not in kinds else sample[1]
            assert family in kinds, "a sample stands below its type"
            assert kinds[family] != "counter" or family.endswith("_total")
            found[sample[1] + (sample[2] or "")] = float(sample[3])
    return found


def test_the_metrics_are_the_ledgers_figures(app: Flask) -> None:
    found = scraped(app)
    counted = read(app, "SELECT model, outcome, count(*), sum(output_tokens), sum(cost_nano), sum(first_ms),"
                        " count(first_ms) FROM ledger GROUP BY model, outcome")  # fmt: skip
    assert sum(row[2] for row in counted) == ROWS and len(counted) == 12
    for model, outcome, attempts, output, cost, first, firsts in counted:
        labels = f'model="{model}",outcome="{outcome}"'
        assert found[f"turnkey_attempts_total{{{labels}}}"] == attempts
        assert found[f'turnkey_tokens_total{{{labels},kind="output"}}'] == output
        assert found[f"turnkey_cost_dollars_total{{{labels}}}"] == pytest.approx(cost / 1e9, rel=1e-12)
        assert found[f"turnkey_first_text_seconds_sum{{{labels}}}"] == pytest.approx((first or 0) / 1000)
        assert found[f"turnkey_first_text_seconds_count{{{labels}}}"] == firsts
    assert found['turnkey_budget_cap_dollars{budget="site/day"}'] == 5
    assert found['turnkey_budget_held_dollars{budget="site/month"}'] == 0.03
    (spent,) = read(app, "SELECT spent FROM budgets WHERE scope LIKE 'site/month/%'")[0]
    assert found['turnkey_budget_spent_dollars{budget="site/month"}'] == pytest.approx(spent / 1e9)


def test_strange_names_do_not_break_the_form(app: Flask) -> None:
    run(app, "INSERT INTO tallies VALUES (:name, 0, 7)", name='a "quote", a \\ and\na line')
    assert scraped(app)[r'turnkey_events_total{name="a \"quote\", a \\ and\na line"}'] == 7
    run(app, "DELETE FROM tallies")


def test_the_metrics_of_an_empty_house_are_whole(tmp_path: Path) -> None:
    found = scraped(build(tmp_path))
    assert found["turnkey_paused"] == found["turnkey_live_replies"] == 0
    assert found['turnkey_budget_spent_dollars{budget="site/day"}'] == 0


def test_the_docs_name_every_metric(app: Flask) -> None:
    text = (Path(__file__).parents[2] / "docs/reference/desk.md").read_text()
    served = set(re.findall(r"# TYPE (\w+)", app.test_client().get("/metrics", environ_overrides=LOCAL).text))
    assert set(re.findall(r"`(turnkey_\w+)`", text)) == served
