# SPDX-License-Identifier: MIT
"""The example of docs/python.md, as it stands there."""
import os
import re

import numpy
import tilewright
from pictures import Case, picture, texture, write


class Docs(Case):
    def test_example(self):
        with open(os.environ["TILEWRIGHT_DOCS"] + "/python.md", encoding="utf-8") as file:
            programs = re.findall(r"^```python\n(.*?)^```", file.read(), re.S | re.M)
        self.assertEqual(len(programs), 1)
        numpy.save(self.path("photo.npy"), picture(90, 120))
        write(self.path("fixed.png"), texture(300, 300))
        write(self.path("moving.png"), tilewright.warp(texture(300, 300), field=self.affine("f.tfm", 1, 0, 0, 1, 6, 4), outside="mirror"))
        before = os.getcwd()
        self.addCleanup(os.chdir, before)
        os.chdir(self.folder)
        exec(compile(programs[0], "docs/python.md", "exec"), {"__name__": "example"})
        for name in ("large.npy", "large.webp", "field.tfm"):
            self.assertTrue(self.path(name).exists())
