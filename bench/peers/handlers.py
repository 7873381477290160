"""Handlers of other frameworks that only decode the body of telemetry; they run on the Python of their own folder."""
# mypy: ignore-errors
# ruff: noqa: PLC0415, D103, ANN001, ANN201, ANN202  each framework is there only for its own process

PATH = "/api/v1/{token}/telemetry"


def litestar():
    from litestar import Litestar, post

    @post("/api/v1/{token:str}/telemetry", status_code=200)
    async def telemetry(token: str, data: dict[str, float]) -> None:
        del token, data

    return Litestar([telemetry], openapi_config=None)


def fastapi():
    from fastapi import FastAPI

    app = FastAPI(openapi_url=None)

    @app.post(PATH)
    async def telemetry(token: str, body: dict[str, float]) -> None:
        del token, body

    return app


def django():
    from django.conf import settings

    settings.configure(
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        SECRET_KEY="of a bench",  # noqa: S106
        INSTALLED_APPS=["rest_framework"],
        REST_FRAMEWORK={"DEFAULT_AUTHENTICATION_CLASSES": [], "UNAUTHENTICATED_USER": None},
    )
    import django as project
    from django.core.asgi import get_asgi_application

    project.setup()
    from django.urls import path
    from rest_framework.response import Response
    from rest_framework.views import APIView

    class Telemetry(APIView):
        permission_classes = ()

        def post(self, request, token):
            del token
            return Response(len(request.data))

    globals()["urlpatterns"] = [path("api/v1/<str:token>/telemetry", Telemetry.as_view())]
    return get_asgi_application()
