# SPDX-License-Identifier: MIT
"""What can go wrong, as exceptions. Each has `code`: the library's status, which is the exit code of the command."""


class Error(Exception):
    """The message is one line that names the picture or option, and the number, at fault."""

    code = 1


class RunError(Error):
    """Failed while running: unwritable output, full disk, an engine that failed."""

    code = 1


class UsageError(Error, ValueError):
    """Unknown operator, option or model; a container that cannot hold the result; an array of the wrong shape."""

    code = 2


class InputError(Error):
    """An input is missing, truncated or refused; a malformed model or field."""

    code = 3


class BudgetError(Error):
    """The memory budget or the scratch limit cannot hold the work. The message names the smallest that would do."""

    code = 4


class DeviceError(Error):
    """No such device, or the device failed."""

    code = 5


class Cancelled(Error):
    """The run was cancelled through `cancel`. Nothing is left under the output's name."""

    code = 130


class TilewrightWarning(UserWarning):
    """What the library warns of, when no `on_warning` takes it."""


BY_CODE = {kind.code: kind for kind in (RunError, UsageError, InputError, BudgetError, DeviceError, Cancelled)}


def of(code, message):
    """The exception of a status."""
    return BY_CODE.get(code, Error)(message)
