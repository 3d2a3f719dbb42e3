"""Templates as the tests write them: short, with what does not matter filled in."""

from orchestration.session.v1 import session_pb2 as pb
from orchestration.session.v1 import template_service_pb2 as templates_pb

from server import PATIENCE_SECONDS, Server
from sessions import DEPARTMENT, struct


def template(name: str = "data", **fields) -> templates_pb.Template:
    if isinstance(fields.get("metadata"), dict):
        fields["metadata"] = struct(fields["metadata"])
    return templates_pb.Template(**{"name": name, "type": DEPARTMENT} | fields)


def create_template(server: Server, name: str = "data", **fields) -> templates_pb.Template:
    request = templates_pb.CreateTemplateRequest(template=template(name, **fields))
    return server.templates.CreateTemplate(request, timeout=PATIENCE_SECONDS).template


def get_template(server: Server, name: str) -> templates_pb.Template:
    request = templates_pb.GetTemplateRequest(name=name)
    return server.templates.GetTemplate(request, timeout=PATIENCE_SECONDS).template


def list_templates(server: Server, **fields) -> templates_pb.ListTemplatesResponse:
    return server.templates.ListTemplates(templates_pb.ListTemplatesRequest(**fields), timeout=PATIENCE_SECONDS)


def template_names(response: templates_pb.ListTemplatesResponse) -> list[str]:
    return [template.name for template in response.templates]


def delete_template(server: Server, name: str) -> None:
    server.templates.DeleteTemplate(templates_pb.DeleteTemplateRequest(name=name), timeout=PATIENCE_SECONDS)


def instantiate(server: Server, template_name: str = "data", **fields) -> pb.Session:
    if isinstance(fields.get("metadata"), dict):
        fields["metadata"] = struct(fields["metadata"])
    values = {"template_name": template_name, "name": "made", "workspace": "/workspace/made"} | fields
    request = templates_pb.InstantiateTemplateRequest(**values)
    return server.templates.InstantiateTemplate(request, timeout=PATIENCE_SECONDS).session
