"""What is in the place of a file or a folder: a pipe or device would be read without an end."""

import stat
from pathlib import Path
from typing import Literal

_KINDS = {
    stat.S_IFREG: "a file",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def misfit(path: Path, wanted: Literal["file", "folder"] = "file") -> str | None:
    """Return why `path` is no such file or folder, as the end of a sentence; None where it is one.

    "does not exist", "is a pipe, not a file", "cannot be read (Permission denied)".
    """
    try:
        kind = _KINDS.get(stat.S_IFMT(path.stat().st_mode), "no file")
    except (FileNotFoundError, NotADirectoryError):
        return "is a link to nothing" if path.is_symlink() else "does not exist"
    except (OSError, ValueError) as error:
        return f"cannot be read ({getattr(error, 'strerror', None) or error})"
    return None if kind == f"a {wanted}" else f"is {kind}, not a {wanted}"
