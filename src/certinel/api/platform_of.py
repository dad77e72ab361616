"""How a route gets at the platform it serves."""

from typing import Annotated

from fastapi import Depends, Request

from certinel.services.platform import Platform


def platform_of(request: Request) -> Platform:
    """Return the platform that the application was made for."""
    platform: Platform = request.app.state.platform
    return platform


Served = Annotated[Platform, Depends(platform_of)]
