"""Identity provider: a Cognito user pool, or an existing OIDC issuer."""

from aws_cdk import Duration, Stack
from aws_cdk.aws_cognito import (
    AccountRecovery,
    AuthFlow,
    CfnUserPoolGroup,
    Mfa,
    MfaSecondFactor,
    PasswordPolicy,
    SignInAliases,
    UserPool,
)
from constructs import Construct

from handlers.http_api.caller import ADMIN_GROUP
from infra.config import Config
from infra.constructs.api_urls import ApiUrls, cognito_origin
from infra.constructs.functions import removal_policy
from infra.constructs.nag_findings import acknowledge


class Identity(Construct):
    """``issuer``, ``client_id`` and ``jwks_url`` of accepted tokens.

    The issuer is text as in the tokens. API Gateway and PyJWT compare it character by character, so Auth0's keeps its
    slash. ``jwks_url`` is empty for an issuer whose discovery document names it.
    """

    def __init__(self, scope: Construct, id: str, *, config: Config, addresses: ApiUrls) -> None:  # noqa: A002
        super().__init__(scope, id)
        self.pool: UserPool | None = None
        if config.issuer and config.audience:
            self.issuer = config.issuer
            self.client_id = config.audience
            self.jwks_url = config.jwks_url or ""
            return
        self.pool = UserPool(
            self,
            "Pool",
            self_sign_up_enabled=False,
            sign_in_aliases=SignInAliases(username=True, email=True),
            password_policy=PasswordPolicy(
                min_length=14, require_lowercase=True, require_uppercase=True, require_digits=True, require_symbols=True
            ),
            mfa=Mfa.OPTIONAL,
            mfa_second_factor=MfaSecondFactor(sms=False, otp=True),
            account_recovery=AccountRecovery.EMAIL_ONLY,
            removal_policy=removal_policy(destroy=config.destroy),
        )
        acknowledge(
            self.pool,
            "AwsSolutions-COG2",
            reason="A second factor is each user's choice: an account has access to its own pictures only.",
        )
        acknowledge(
            self.pool,
            "AwsSolutions-COG8",
            reason="Threat protection needs the Plus plan, which costs extra; a configured issuer can have it.",
        )
        CfnUserPoolGroup(
            self,
            "Admins",
            user_pool_id=self.pool.user_pool_id,
            group_name=ADMIN_GROUP,
            description="May read the statistics of all callers' jobs, and clear the result cache.",
        )
        client = self.pool.add_client(
            "Client",
            auth_flows=AuthFlow(user_password=True, user_srp=True),
            access_token_validity=Duration.hours(1),
            id_token_validity=Duration.hours(1),
            refresh_token_validity=Duration.days(30),
            prevent_user_existence_errors=True,
            enable_token_revocation=True,
            disable_o_auth=True,
        )
        self.client_id = client.user_pool_client_id
        self.issuer = f"{cognito_origin(Stack.of(self))}/{self.pool.user_pool_id}"
        self.jwks_url = addresses.jwks(self.pool.user_pool_id)
