"""Named blueprints for sessions: kept, listed, deleted, and what is refused."""

import pytest
from google.protobuf.struct_pb2 import Value
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from refusal import StatusCode, refused
from server import PATIENCE_SECONDS
from sessions import DIRECTOR, OBSERVER, create, list_sessions, struct
from templates import (
    create_template,
    delete_template,
    get_template,
    instantiate,
    list_templates,
    template_names,
    templates_pb,
)
from watch import history


def test_a_template_is_kept_with_all_of_its_input(server):
    made = create_template(
        server,
        "data-department-template",
        metadata={"domain": "data-processing", "standardCapabilities": ["batch-processing"], "deep": {"a": [1, None]}},
        capabilities=["validation"],
        constraints=["max-memory:4gb"],
        environment={"LOG_LEVEL": "info", "DATA_DIR": "/data"},
    )
    assert made.metadata == struct(
        {"domain": "data-processing", "standardCapabilities": ["batch-processing"], "deep": {"a": [1, None]}}
    )
    assert (list(made.capabilities), list(made.constraints)) == (["validation"], ["max-memory:4gb"])
    assert dict(made.environment) == {"LOG_LEVEL": "info", "DATA_DIR": "/data"}
    assert made.create_time.seconds > 0
    assert get_template(server, "data-department-template") == made
    assert list(list_templates(server).templates) == [made]
    assert history(server) == []


def test_output_only_fields_are_ignored_and_nulls_at_the_top_dropped(server):
    metadata = struct({"a": 1})
    metadata.fields["gone"].CopyFrom(Value(null_value=0))
    made = create_template(server, metadata=metadata, create_time={"seconds": 1})
    assert made.metadata == struct({"a": 1})
    assert made.create_time.seconds > 1


def test_a_taken_name_is_refused(server):
    first = create_template(server, "data")
    with refused(StatusCode.ALREADY_EXISTS, "TEMPLATE_EXISTS") as refusal:
        create_template(server, "data", type=OBSERVER)
    assert refusal.metadata == {"template_name": "data"}
    assert get_template(server, "data") == first


def test_a_missing_template_is_not_found(server):
    for name in ["data", "Not A Name", "x" * 1000, "é"]:
        for call in (get_template, delete_template, instantiate):
            with refused(StatusCode.NOT_FOUND, "TEMPLATE_NOT_FOUND"):
                call(server, name)


def test_a_missing_template_is_told_as_a_resource(server):
    request = templates_pb.GetTemplateRequest(name="data")
    error = server.templates.GetTemplate.future(request, timeout=PATIENCE_SECONDS).exception()
    resource = error_details_pb2.ResourceInfo()
    details = rpc_status.from_call(error).details
    assert [detail.Unpack(resource) for detail in details] == [False, True]
    assert resource.resource_type == "orchestration.session.v1.Template"
    assert resource.resource_name == "data"


def test_no_name_is_a_wrong_request(server):
    for call in (get_template, delete_template):
        with refused(StatusCode.INVALID_ARGUMENT, paths=["name"]):
            call(server, "")
    with refused(StatusCode.INVALID_ARGUMENT, paths=["template_name"]):
        instantiate(server, "")
    with refused(StatusCode.INVALID_ARGUMENT, paths=["template"]):
        server.templates.CreateTemplate(templates_pb.CreateTemplateRequest(), timeout=PATIENCE_SECONDS)


ACCEPTED = {
    "every kind of character": {"name": "a-z_0.9"},
    "128 characters": {"name": "n" * 128},
    "128 capabilities of both kinds": {
        "capabilities": [f"c{i}" for i in range(100)],
        "metadata": {"standardCapabilities": [f"c{i}" for i in range(50, 128)]},
    },
    "standard capabilities that are no list of texts": {"metadata": {"standardCapabilities": [1, ""]}},
}

REFUSED = {
    "no name": ({"name": ""}, ["template.name"]),
    "129 characters": ({"name": "n" * 129}, ["template.name"]),
    "a capital": ({"name": "Data"}, ["template.name"]),
    "a slash": ({"name": "a/b"}, ["template.name"]),
    "no type": ({"type": 0}, ["template.type"]),
    "a type from the future": ({"type": 99}, ["template.type"]),
    "a capability twice": ({"capabilities": ["a", "a"]}, ["template.capabilities[1]"]),
    "an empty standard capability": (
        {"metadata": {"standardCapabilities": [""]}},
        ["template.metadata.standardCapabilities[0]"],
    ),
    "too many capabilities of both kinds": (
        {"capabilities": ["a"], "metadata": {"standardCapabilities": [f"c{i}" for i in range(128)]}},
        ["template.metadata.standardCapabilities"],
    ),
    "a wrong constraint": ({"constraints": ["max-memory:lots"]}, ["template.constraints[0]"]),
    "a limit given two ways": (
        {"constraints": ["max-cpu:1"], "metadata": {"standardConstraints": ["max-cpu:2"]}},
        ["template.metadata.standardConstraints[0]"],
    ),
    "a wrong variable": ({"environment": {"1A": ""}}, ["template.environment.1A"]),
    "too much metadata": ({"metadata": {"k": "x" * 65536}}, ["template.metadata"]),
    "everything": (
        {"name": "", "type": 0, "capabilities": [""], "constraints": ["x"], "environment": {"-": ""}},
        [
            "template.name", "template.type", "template.capabilities[0]", "template.constraints[0]",
            "template.environment.-",
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("fields", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_what_keeps_the_rules_is_accepted(server, fields):
    made = create_template(server, **fields)
    assert instantiate(server, made.name).template_name == made.name


@pytest.mark.parametrize("fields, paths", REFUSED.values(), ids=REFUSED.keys())
def test_what_breaks_a_rule_is_refused_with_its_path(shared_server, fields, paths):
    with refused(StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", paths):
        create_template(shared_server, **fields)


@pytest.mark.parametrize("size", [1, 2, 5, 12, 13])
def test_pages_join_to_the_whole_list_by_name(server, size):
    names = [f"t{i:02}" for i in range(12)]
    for name in reversed(names):
        create_template(server, name)
    found, token = [], ""
    while True:
        page = list_templates(server, page_size=size, page_token=token)
        assert len(page.templates) <= size
        found += template_names(page)
        token = page.next_page_token
        if not token:
            break
    assert found == names


def test_no_size_means_fifty_and_the_most_is_a_thousand(server):
    for i in range(1002):
        create_template(server, f"t{i:04}")
    assert len(list_templates(server).templates) == 50
    page = list_templates(server, page_size=2**31 - 1)
    assert len(page.templates) == 1000
    assert template_names(list_templates(server, page_token=page.next_page_token)) == ["t1000", "t1001"]
    with refused(StatusCode.INVALID_ARGUMENT, paths=["page_size"]):
        list_templates(server, page_size=-1)


def test_a_token_that_is_damaged_or_of_another_list_is_refused(server):
    for i in range(3):
        create_template(server, f"t{i}")
        create(server, f"s{i}")
    token = list_templates(server, page_size=1).next_page_token
    for wrong in ["x", "é", token[:-1], token + "A", list_sessions(server, page_size=1).next_page_token]:
        with refused(StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID"):
            list_templates(server, page_token=wrong)
    with refused(StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID"):
        list_sessions(server, page_token=token)


def test_templates_and_tokens_are_good_after_a_restart(start_server):
    before = start_server()
    made = [create_template(before, name, type=DIRECTOR, environment={"A": name}) for name in ("a", "b", "c")]
    delete_template(before, "b")
    token = list_templates(before, page_size=1).next_page_token
    before.stop()
    after = start_server()
    assert list(list_templates(after).templates) == [made[0], made[2]]
    assert list(list_templates(after, page_token=token).templates) == [made[2]]
    assert instantiate(after, "a").environment == {"A": "a"}


def test_a_page_ends_before_it_is_too_large_for_stock_clients(server):
    for name in ["a", "b", "c", "d", "e"]:
        create_template(server, name, environment={f"K{i}": "x" * 4096 for i in range(256)})
    found, token = [], ""
    for _ in range(3):
        page = list_templates(server, page_token=token)
        found += template_names(page)
        token = page.next_page_token
    assert (found, token) == (["a", "b", "c", "d", "e"], "")
