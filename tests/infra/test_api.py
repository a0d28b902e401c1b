"""Authorization, throttling and CORS of both APIs."""

import json
from typing import Any

import pytest

from infra.config import Config
from tests.infra.template import Assembly, Template, text


def routes(template: Template, api: str) -> dict[str, dict[str, Any]]:
    return {
        resource["Properties"]["RouteKey"]: resource["Properties"]
        for _, resource in template.of_type("ApiGatewayV2::Route")
        if text(resource["Properties"]["ApiId"]).startswith(api)
    }


def test_every_route_but_config_needs_a_token(core: Template) -> None:
    kinds = {key: route.get("AuthorizationType", "NONE") for key, route in routes(core, "Api").items()}
    assert kinds.pop("GET /config") == "NONE"
    assert kinds
    assert set(kinds.values()) == {"JWT"}


def test_tokens_are_issued_by_the_stacks_user_pool(core: Template) -> None:
    authorizer = core.only("ApiGatewayV2::Authorizer", "Api")
    pool, client = core.name_of("Cognito::UserPool"), core.name_of("Cognito::UserPoolClient")
    expected = f"https://cognito-idp.AWS::Region.AWS::URLSuffix/{pool}"
    assert text(authorizer["JwtConfiguration"]["Issuer"]) == expected
    assert [text(value) for value in authorizer["JwtConfiguration"]["Audience"]] == [client]
    assert text(core.function("authorize")["Environment"]["Variables"]["ISSUER"]) == expected


def test_a_configured_issuer_replaces_the_user_pool(other_issuer: Template) -> None:
    assert not other_issuer.of_type("Cognito::UserPool")
    authorizer = other_issuer.only("ApiGatewayV2::Authorizer", "Api")
    assert authorizer["JwtConfiguration"] == {"Audience": ["our-app"], "Issuer": "https://issuer.example/realm"}
    variables = other_issuer.function("authorize")["Environment"]["Variables"]
    assert variables["CLIENT_ID"] == "our-app"
    assert variables["JWKS_URL"] == ""  # the discovery document names it


def test_self_sign_up_is_disabled(core: Template) -> None:
    assert core.only("Cognito::UserPool")["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is True


def test_a_websocket_needs_a_token(core: Template) -> None:
    connect = routes(core, "Socket")["$connect"]
    assert connect["AuthorizationType"] == "CUSTOM"
    authorizer = core.resources[text(connect["AuthorizerId"])]["Properties"]
    assert authorizer["IdentitySource"] == ["route.request.querystring.token"]
    assert core.function_id("authorize") in text(authorizer["AuthorizerUri"])


def test_the_gateway_accepts_every_connection_that_the_authorizer_lets_pass(core: Template) -> None:
    target = text(routes(core, "Socket")["$connect"]["Target"]).removeprefix("integrations/")
    integration = core.resources[target]["Properties"]
    assert integration["IntegrationType"] == "MOCK"
    template = integration["RequestTemplates"][integration["TemplateSelectionExpression"]]
    assert json.loads(template) == {"statusCode": 200}


def test_both_apis_are_throttled_and_logged_without_the_token(core: Template) -> None:
    stages = core.of_type("ApiGatewayV2::Stage")
    assert len(stages) == 2
    for _, stage in stages:
        assert stage["Properties"]["DefaultRouteSettings"]["ThrottlingRateLimit"] > 0
        written = stage["Properties"]["AccessLogSettings"]["Format"]
        assert "$context.requestId" in written
        assert "querystring" not in written.lower()


@pytest.mark.parametrize("issuer", ["https://tenant.eu.auth0.com/", "https://accounts.example"])
def test_the_issuer_is_the_text_of_its_tokens(issuer: str) -> None:
    from aws_cdk import App, Stack  # noqa: PLC0415 - only tests that need a template pay for the CDK

    from infra.constructs.api_urls import ApiUrls  # noqa: PLC0415
    from infra.constructs.identity import Identity  # noqa: PLC0415

    config = Config.read({"issuer": issuer, "audience": "our-app"})
    stack = Stack(App(), "Stack")
    identity = Identity(stack, "Identity", config=config, addresses=ApiUrls(stack, "Addresses", config=config))
    assert (identity.issuer, identity.jwks_url) == (issuer, "")


def test_cors_allows_the_configured_origins(other_issuer: Template) -> None:
    cors = other_issuer.only("ApiGatewayV2::Api", "Api")["CorsConfiguration"]
    assert cors["AllowOrigins"] == ["https://app.example", "https://www.app.example"]
    assert {"authorization", "idempotency-key"} <= set(cors["AllowHeaders"])


def test_the_api_function_knows_the_websocket_url(core: Template) -> None:
    url = text(core.function("api")["Environment"]["Variables"]["SOCKET_URL"])
    assert url.endswith("/live")
    assert core.name_of("ApiGatewayV2::Api", "Socket") in url
    assert text(core.content["Outputs"]["SocketUrl"]["Value"]) == url


def test_local_urls_are_on_the_emulators_port(local: Template) -> None:
    for name, key in (("api", "SOCKET_URL"), ("push", "CALLBACK_URL"), ("authorize", "JWKS_URL")):
        url = text(local.function(name)["Environment"]["Variables"][key])
        assert url.split("://")[1].startswith("Gateway/")


def test_the_accounts_log_role_is_left_alone_where_another_stack_has_set_it(
    core: Template, research: Assembly, local: Template
) -> None:
    found = [len(each.of_type("ApiGateway::Account")) for each in (core, research["core"], local)]
    assert found == [1, 0, 0]


def test_access_logs_have_the_prefix_of_vended_logs(core: Template) -> None:
    stages = [resource["Properties"] for _, resource in core.of_type("ApiGatewayV2::Stage")]
    groups = {text(stage["AccessLogSettings"]["DestinationArn"]).partition(".")[0] for stage in stages}
    names = [core.resources[group]["Properties"]["LogGroupName"] for group in groups]
    assert len(names) == len(stages) == len(set(names))
    assert all(name.startswith("/aws/vendedlogs/") for name in names)
