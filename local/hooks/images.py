"""Machine images: on this cloud every image exists, because a server here is made of none.

A stack file pins the image of a real account, which moto does not know. It is registered when it is first asked for,
so that what looks an image up before it starts an instance finds one. The 1,300 images that moto itself knows are not
made: each comes with a snapshot, for every account, and all of them again when a kept cloud comes back.
"""

import functools
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from moto.ec2.models.amis import Ami, AmiBackend

from local.hooks.replacing import replace


def install_images(installed: ExitStack) -> None:
    """Hook moto's image backend until ``installed`` is closed."""
    replace(installed, AmiBackend, "describe_images", _knowing_all)
    replace(installed, AmiBackend, "_load_amis", _loading_none)


def _knowing_all(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def describe_images(backend: Any, ami_ids: list[str] | None = None, *args: Any, **kwargs: Any) -> Any:
        for image in ami_ids or []:
            if image.startswith("ami-") and image not in backend.amis:
                backend.amis[image] = Ami(backend, image, name=image, root_device_name="/dev/xvda")
        return original(backend, ami_ids, *args, **kwargs)

    return describe_images


def _loading_none(original: Callable[..., Any]) -> Callable[..., None]:
    @functools.wraps(original)
    def load_amis(backend: Any) -> None:
        """Leave the images as they are: none."""

    return load_amis
