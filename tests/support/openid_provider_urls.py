"""What the provider of `tests.support.openid_provider` serves. Only its own process loads this."""

from typing import Any

from django.contrib.auth import authenticate, login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import include, path
from oauth2_provider.oauth2_validators import OAuth2Validator

from tests.support.openid_provider import PEOPLE

FORM = """<form method="post"><input name="name"><input name="password" type="password">
<button>Sign in at the library</button></form>"""


class Validator(OAuth2Validator):  # type: ignore[misc] # Django carries no types
    oidc_claim_scope = None  # all claims, whatever was asked for

    def get_additional_claims(self, request: Any) -> dict[str, Any]:
        return PEOPLE[request.user.username]


def sign_in(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return HttpResponse(FORM)
    asked = request.POST
    user = authenticate(request, username=asked["name"], password=asked["password"])
    login(request, user)
    return HttpResponseRedirect(request.GET["next"])


urlpatterns = [
    path("login", sign_in),
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
]
