# SPDX-License-Identifier: MIT
"""The example of docs/python.md, as it stands there, and the types that the package tells of."""
import ast
import os
import pathlib
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


class Types(Case):
    def test_stub(self):
        """It names what the library's tables make at run time, argument by argument; what is typed is marked so."""
        folder = pathlib.Path(tilewright.__file__).parent
        self.assertTrue((folder / "py.typed").exists())
        functions = {}
        for node in ast.parse((folder / "__init__.pyi").read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                functions.setdefault(node.name, []).append(node.args)
            elif isinstance(node, ast.Assign) and node.targets[0].id == "__all__":
                self.assertEqual(ast.literal_eval(node.value), tilewright.__all__)
        for name in tilewright.operators():
            expected = getattr(tilewright, name).__signature__.parameters.values()
            kinds = {kind: [p.name for p in expected if p.kind == kind] for kind in range(5)}
            optional = sum(p.default is None for p in expected if p.kind == 0)
            self.assertEqual(len(functions[name]), 2 if kinds[1] else 1)
            for args in functions[name]:
                self.assertEqual([[a.arg for a in args.posonlyargs], [a.arg for a in args.args]], [kinds[0], kinds[1]])
                self.assertEqual([a.arg for a in args.kwonlyargs], kinds[3])
                self.assertIn(len(args.defaults), (optional, optional + len(args.args)))
        self.assertEqual(set(tilewright.__all__) - set(functions), {n for n in tilewright.__all__ if n[0].isupper()})
