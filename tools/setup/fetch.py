# SPDX-License-Identifier: MIT
"""Fetch one file of a Python package by its sha256: fetch.py PROJECT SHA256 DESTINATION

The hash is the pin: whatever version or file name the index shows for it, only those bytes are accepted.
The index's own client is used because some source distributions carry a version in their metadata that
differs from the one in their file name, which the usual installer refuses."""
import hashlib
import os
import sys

from pypi_simple import PyPISimple


def main():
    project, digest, destination = sys.argv[1:4]
    with PyPISimple() as index:
        page = index.get_project_page(project)
        found = [p for p in page.packages if p.digests.get("sha256") == digest]
        if not found:
            sys.exit(f"setup: error: package {project} has no file with sha256 {digest}")
        partial = destination + ".partial"
        index.download_package(found[0], partial, verify=True)
    with open(partial, "rb") as f:
        got = hashlib.sha256(f.read()).hexdigest()
    if got != digest:
        os.unlink(partial)
        sys.exit(f"setup: error: {project}: sha256 is {got}, expected {digest}")
    os.replace(partial, destination)


main()
