"""Affinities as the tests write them, and targets that can take work."""

from orchestration.session.v1 import affinity_service_pb2 as affinity_pb

from server import PATIENCE_SECONDS, Server
from sessions import ACTIVE, DEPARTMENT, create_in

ROUND_ROBIN = affinity_pb.AFFINITY_STRATEGY_ROUND_ROBIN
LEAST_LOADED = affinity_pb.AFFINITY_STRATEGY_LEAST_LOADED
WEIGHTED = affinity_pb.AFFINITY_STRATEGY_WEIGHTED
CONSISTENT_HASH = affinity_pb.AFFINITY_STRATEGY_CONSISTENT_HASH


def affinity(owner: str, targets: list[str], weights: list[int] | None = None, **fields) -> affinity_pb.Affinity:
    weighed = zip(targets, weights or [0] * len(targets), strict=True)
    items = [affinity_pb.AffinityTarget(session_id=target, weight=weight) for target, weight in weighed]
    return affinity_pb.Affinity(session_id=owner, targets=items, **fields)


def set_affinity(server: Server, owner: str, targets: list[str], **fields) -> affinity_pb.Affinity:
    request = affinity_pb.SetSessionAffinityRequest(affinity=affinity(owner, targets, **fields))
    return server.affinities.SetSessionAffinity(request, timeout=PATIENCE_SECONDS).affinity


def get_affinity(server: Server, owner: str) -> affinity_pb.Affinity:
    request = affinity_pb.GetSessionAffinityRequest(session_id=owner)
    return server.affinities.GetSessionAffinity(request, timeout=PATIENCE_SECONDS).affinity


def delete_affinity(server: Server, owner: str) -> None:
    request = affinity_pb.DeleteSessionAffinityRequest(session_id=owner)
    server.affinities.DeleteSessionAffinity(request, timeout=PATIENCE_SECONDS)


def resolve(server: Server, owner: str, key: str = "") -> affinity_pb.ResolveAffinityResponse:
    request = affinity_pb.ResolveAffinityRequest(session_id=owner, affinity_key=key)
    return server.affinities.ResolveAffinity(request, timeout=PATIENCE_SECONDS)


def create_targets(server: Server, count: int) -> list[str]:
    """Sessions that could take work if they were registered."""
    return [create_in(server, ACTIVE, f"t{i}", type=DEPARTMENT).id for i in range(count)]
