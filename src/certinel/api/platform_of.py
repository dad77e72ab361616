"""How a route gets at the platform it serves."""

from typing import Annotated

from fastapi import Depends, Request

from certinel.services.platform import Platform


def platform_of(request: Request) -> Platform:
    """Return the platform that the application was made for."""
    platform: Platform = request.app.state.platform
    return platform


async def _served(request: Request) -> Platform:  # async, or FastAPI would call it in a thread
    return platform_of(request)


Served = Annotated[Platform, Depends(_served)]
