"""The admin port: pages by a stock HTTP client, and metrics by Prometheus' own parser."""

import http.client
import math
import re

from prometheus_client.parser import text_string_to_metric_families

from server import PATIENCE_SECONDS, Server

ANYWHERE = ("--admin-listen", "127.0.0.1:0")
SERVICE = "orchestration.session.v1."
# What the format allows (its specification is stricter than the parser).
LABEL = r"[a-z_]+=\"(?:\\[\\\"n]|[^\\\"\n])*\""
LINE = re.compile(
    rf"# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{{{LABEL}(,{LABEL})*\}})? (-?[0-9][-+.e0-9]*|[+-]Inf|NaN)"
)


def fetch(server: Server, path: str, method: str = "GET") -> tuple[http.client.HTTPResponse, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.admin_port, timeout=PATIENCE_SECONDS)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response, response.read().decode()
    finally:
        connection.close()


def status(server: Server, path: str) -> tuple[int, str]:
    response, content = fetch(server, path)
    return response.status, content.strip()


class Scrape:
    """All samples of one look at the metrics."""

    def __init__(self, server: Server):
        response, self.text = fetch(server, "/metrics")
        assert response.status == 200
        assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        self.families = {}
        self._samples: dict[tuple, float] = {}
        check_form(self.text)
        for family in text_string_to_metric_families(self.text):
            assert family.name not in self.families, f"{family.name} is there twice"
            self.families[family.name] = family
            for sample in family.samples:
                key = (sample.name, frozenset(sample.labels.items()))
                assert key not in self._samples, f"{key} is there twice"
                self._samples[key] = sample.value
            if family.type == "histogram":
                check_histogram(family)

    def value(self, name: str, **labels: str) -> float | None:
        return self._samples.get((name, frozenset(labels.items())))

    def labels(self, name: str) -> list[dict[str, str]]:
        return [dict(labels) for found, labels in self._samples if found == name]

    def call(self, name: str, service: str, method: str, kind: str = "unary", **labels: str) -> float | None:
        return self.value(name, grpc_type=kind, grpc_service=SERVICE + service, grpc_method=method, **labels)


def check_form(text: str) -> None:
    """Every line is one of the format's, and the lines of a metric stand together behind its help and its type."""
    assert text.endswith("\n")
    described: list[str] = []
    for line in text[:-1].split("\n"):
        assert LINE.fullmatch(line), line
        name = re.match(r"(?:# (?:HELP|TYPE) )?([a-z_]+)", line)[1]
        if line.startswith("# HELP"):
            assert name not in described
            described.append(name)
        else:
            assert re.fullmatch(rf"{described[-1]}(_bucket|_sum|_count)?", name), line


def check_histogram(family) -> None:
    series: dict[frozenset, list[tuple[float, float]]] = {}
    counts: dict[frozenset, float] = {}
    for sample in family.samples:
        key = frozenset((name, value) for name, value in sample.labels.items() if name != "le")
        if sample.name.endswith("_bucket"):
            series.setdefault(key, []).append((float(sample.labels["le"]), sample.value))
        elif sample.name.endswith("_count"):
            counts[key] = sample.value
    for key, buckets in series.items():
        assert buckets == sorted(buckets) and buckets[-1] == (math.inf, counts[key])
        assert [count for _, count in buckets] == sorted(count for _, count in buckets)
