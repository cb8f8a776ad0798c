# SPDX-License-Identifier: MIT
"""Engines, callbacks, errors, cancelling, sessions and threads."""
import concurrent.futures
import os
import signal
import subprocess
import sys
import threading
import time
import warnings

import numpy
import tilewright
from pictures import Case, mean3, picture, twice, write

ARRAY = picture(64, 96)


class Engines(Case):
    def test_what_a_tile_is(self):
        seen, threads = [], set()

        def look(tile):
            seen.append(tile)
            threads.add(threading.get_ident())
            return tile

        engine = tilewright.Engine(look, overlap=2, tile=24, multiple=4)
        self.same(tilewright.upscale(ARRAY, model=engine, tile=24, threads=2), ARRAY)
        self.assertGreater(len(seen), 5)
        first = numpy.rint(seen[0] * 255).astype(numpy.uint8)  # still there, though the run is over
        self.assertTrue(any((ARRAY[y:y + 20, x:x + 20] == first[2:22, 2:22]).all() for y in range(45) for x in range(77)))
        for tile in seen:
            self.assertEqual((tile.shape[2], tile.dtype, tile.flags.writeable), (3, numpy.float32, True))
            self.assertTrue(tile.shape[0] % 4 == 0 == tile.shape[1] % 4 and 0 <= tile.min() <= tile.max() <= 1)
        self.assertNotIn(threading.get_ident(), threads)

    def test_scale(self):
        engine = tilewright.Engine(lambda tile: tile.repeat(3, 0).repeat(3, 1), 3)
        self.same(tilewright.upscale(ARRAY, model=engine, tile=16), ARRAY.repeat(3, 0).repeat(3, 1))

    def test_too_small_an_overlap_shows(self):
        """The reference test can fail: without context tiles do show."""
        exact = tilewright.upscale(ARRAY, model=tilewright.Engine(mean3, overlap=1), tile=16)
        seams = tilewright.upscale(ARRAY, model=tilewright.Engine(mean3, overlap=0), tile=16)
        self.assertGreater(int((exact != seams).sum()), 100)

    def test_inexact(self):
        report = tilewright.run("upscale", ARRAY, model=tilewright.Engine(twice, 2, overlap=4, exact=False), tile=32).report
        self.assertFalse(report["exact"])

    def test_one_at_a_time(self):
        for safe in (False, True):
            lock, inside, most = threading.Lock(), [0], [0]

            def slow(tile, inside=inside, most=most, lock=lock):
                with lock:
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
                time.sleep(0.02)
                with lock:
                    inside[0] -= 1
                return tile

            tilewright.upscale(ARRAY, model=tilewright.Engine(slow, thread_safe=safe), tile=16, threads=4)
            self.assertEqual(most[0] > 1, safe)

    def test_failing(self):
        error = self.fails(tilewright.RunError, "failed", tilewright.upscale, ARRAY, model=tilewright.Engine(lambda tile: {}["no"]))
        self.assertIsInstance(error.__cause__, KeyError)
        error = self.fails(tilewright.RunError, "failed", tilewright.upscale, ARRAY, model=tilewright.Engine(lambda tile: tile[1:]))
        self.assertIn("is needed", str(error.__cause__))
        calls = []

        def once(tile):
            calls.append(1)
            if len(calls) == 2:
                raise MemoryError
            return tile

        self.same(tilewright.upscale(ARRAY, model=tilewright.Engine(once), tile=32), ARRAY)  # retried

    def test_named(self):
        closed = []
        with tilewright.Session() as session:
            session.add_engine("twice", tilewright.Engine(twice, 2, close=lambda: closed.append(1)))
            self.fails(tilewright.UsageError, "exists already", session.add_engine, "twice", tilewright.Engine(twice, 2))
            for _ in range(3):
                self.same(session.upscale(ARRAY, model="twice"), twice(ARRAY))
            self.assertEqual(closed, [])
            session.close_engine("twice")
            self.assertEqual(closed, [1])
            self.fails(tilewright.UsageError, "twice", session.upscale, ARRAY, model="twice")
            session.add_engine("again", tilewright.Engine(twice, 2, close=lambda: closed.append(2)))
        self.assertEqual(closed, [1, 2])
        self.fails(tilewright.UsageError, "closed", session.upscale, ARRAY)
        session.close()

    def test_given_as_model_is_closed(self):
        closed = []
        tilewright.upscale(ARRAY, model=tilewright.Engine(twice, 2, close=lambda: closed.append(1)))
        self.assertEqual(closed, [1])


class Callbacks(Case):
    def test_progress(self):
        fractions = []
        slow = tilewright.Engine(lambda tile: time.sleep(0.03) or tile)
        tilewright.upscale(ARRAY, model=slow, tile=16, on_progress=fractions.append)
        self.assertGreater(len(fractions), 3)
        self.assertEqual(fractions, sorted(fractions))
        self.assertTrue(0 <= fractions[0] < 1 and fractions[-1] == 1)

    def test_warnings(self):
        array, lines = picture(20, 30, 4), []
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            tilewright.upscale(array, self.path("a.jpg"))
            tilewright.upscale(array, self.path("b.jpg"), on_warning=lines.append)
        self.assertEqual([w.category for w in caught], [tilewright.TilewrightWarning])
        self.assertIn("alpha", str(caught[0].message))
        self.assertEqual(os.path.basename(caught[0].filename), os.path.basename(__file__))
        self.assertEqual(len(lines), 1)
        self.assertIn("b.jpg", lines[0])

    def test_what_they_raise_is_raised(self):
        def stop(*_):
            raise LookupError("enough")

        engine = tilewright.Engine(lambda tile: time.sleep(0.03) or tile)
        for keywords in ({"on_progress": stop}, {"out": stop}):
            self.fails(LookupError, "enough", tilewright.upscale, ARRAY, model=engine, tile=16, **keywords)
        self.fails(LookupError, "enough", tilewright.upscale, picture(20, 30, 4), self.path("a.jpg"), on_warning=stop)
        self.assertEqual(list(self.folder.iterdir()), [])


class Errors(Case):
    def test_codes(self):
        self.fails(tilewright.BudgetError, "smallest", tilewright.upscale, ARRAY, memory="8M")
        self.fails(tilewright.InputError, "none.png", tilewright.upscale, self.path("none.png"))
        self.fails(tilewright.InputError, "limit of 9", tilewright.upscale, ARRAY, max_pixels=9)
        self.fails(tilewright.UsageError, "unknown operator", tilewright.run, "sharpen", ARRAY)
        self.fails(tilewright.UsageError, "nonsense", tilewright.upscale, ARRAY, nonsense=1)
        self.fails(tilewright.UsageError, "no-such-model", tilewright.upscale, ARRAY, model="no-such-model")
        self.fails(tilewright.UsageError, "a.xyz", tilewright.upscale, ARRAY, self.path("a.xyz"))
        self.fails(tilewright.UsageError, "at most 2 inputs", tilewright.compare, ARRAY, ARRAY, ARRAY)
        self.fails(tilewright.UsageError, "compare writes no output", tilewright.compare, ARRAY, ARRAY, out=self.path("x"))
        self.fails(tilewright.RunError, "cannot be created", tilewright.upscale, ARRAY, self.path("no/such/folder.png"))
        self.path("cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
        self.fails(tilewright.InputError, "cut.png", tilewright.upscale, self.path("cut.png"))
        with self.assertRaises(AttributeError):
            tilewright.sharpen(ARRAY)

    def test_families(self):
        for kind, code in ((tilewright.RunError, 1), (tilewright.UsageError, 2), (tilewright.InputError, 3),
                           (tilewright.BudgetError, 4), (tilewright.DeviceError, 5), (tilewright.Cancelled, 130)):
            self.assertTrue(issubclass(kind, tilewright.Error))
            self.assertEqual(kind.code, code)


class Cancelling(Case):
    def test_event(self):
        event, started = threading.Event(), threading.Event()

        def slow(tile):
            started.set()
            time.sleep(0.05)
            return tile

        threading.Thread(target=lambda: started.wait() and event.set()).start()
        before = time.monotonic()
        self.fails(tilewright.Cancelled, "", tilewright.upscale, ARRAY, self.path("a.png"), model=tilewright.Engine(slow), tile=4,
                   cancel=event)
        self.assertLess(time.monotonic() - before, 15)  # all 384 tiles would take 19 seconds
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_ctrl_c(self):
        """In a child: the interrupt ends a run that has minutes to go, nothing is left, the interpreter goes on."""
        text = ("import time, numpy, tilewright\n"
                "def slow(tile):\n    print('tile', flush=True); time.sleep(0.2); return tile\n"
                "try:\n    tilewright.upscale(numpy.zeros((200, 200), numpy.uint8), 'a.png', model=tilewright.Engine(slow), tile=4)\n"
                "except KeyboardInterrupt:\n    print('interrupted', tilewright.compare(*[numpy.ones((9, 9), numpy.uint8)] * 2)"
                "['identical'])\n")
        child = subprocess.Popen([sys.executable, "-c", text], cwd=self.folder, stdout=subprocess.PIPE, text=True)
        self.assertEqual(child.stdout.readline(), "tile\n")
        child.send_signal(signal.SIGINT)
        said, _ = child.communicate(timeout=120)
        self.assertEqual(said.splitlines()[-1], "interrupted True")
        self.assertEqual((child.returncode, list(self.folder.iterdir())), (0, []))


class Sessions(Case):
    def test_threads(self):
        """Runs side by side in one session give what they give one after the other."""
        arrays = [picture(60, 80, 3, seed=n) for n in range(6)]
        with tilewright.Session() as session:
            alone = [session.upscale(a, tile=32) for a in arrays]
            with concurrent.futures.ThreadPoolExecutor(3) as pool:
                together = list(pool.map(lambda a: session.upscale(a, tile=32), arrays))
        for have, want in zip(together, alone):
            self.same(have, want)

    def test_plan(self):
        write(self.path("in.png"), ARRAY)
        plan = tilewright.plan("upscale", self.path("in.png"), self.path("out.png"), memory="100M")
        self.assertEqual((plan["width"], plan["height"], plan["budget_bytes"]), (192, 128, 100 << 20))
        self.assertIn("planned peak", plan.explanation)
        self.assertFalse(self.path("out.png").exists())
        plan = tilewright.plan("upscale", ARRAY, scale=4)
        self.assertEqual((plan["op"], plan["width"], plan["output"]), ("upscale", 384, None))
        self.assertNotIn("seconds", plan)

    def test_compare(self):
        other = ARRAY.copy()
        other[7, 9, 1] ^= 32
        self.assertEqual(tilewright.compare(ARRAY, other)["max_difference"], 32)
        self.assertTrue(tilewright.compare(ARRAY, ARRAY.copy())["identical"])

    def test_tables(self):
        """Every operator and every option of the library is there, named and told of."""
        self.assertLessEqual({"upscale", "compare", "register", "warp"}, set(tilewright.operators()))
        for name in tilewright.operators():
            function = getattr(tilewright, name)
            self.assertEqual(function.__name__, name)
            self.assertIn(name, dir(tilewright))
            parameters = function.__signature__.parameters
            self.assertIn("memory", parameters)
            for parameter in list(parameters.values())[1:]:
                if parameter.kind is parameter.KEYWORD_ONLY and not parameter.name.startswith("on_") and parameter.name != "cancel":
                    self.assertIn(f"\n{parameter.name}: ", function.__doc__)
        self.assertIn("photo-2x", [m["name"] for m in tilewright.models()["models"]])
        self.assertEqual(tilewright.model("photo-2x")["scale"], 2)
        self.fails(tilewright.UsageError, "none", tilewright.model, "none")
        self.assertRegex(tilewright.library_version(), r"^\d+\.\d+\.\d+$")


class Library(Case):
    def child(self, **environment):
        environment = {**{k: v for k, v in os.environ.items() if k != "TILEWRIGHT_LIBRARY"}, **environment}
        return subprocess.run([sys.executable, "-c", "import tilewright; print(tilewright.__file__, tilewright.library_version())"],
                              env=environment, capture_output=True, text=True)

    def test_beside_the_package(self):
        package = self.path("tilewright")
        package.mkdir()
        for file in os.scandir(os.path.dirname(tilewright.__file__)):
            if file.name.endswith(".py"):
                package.joinpath(file.name).symlink_to(file.path)
        # _library.py asks where it really lies.
        text = (package / "_library.py").read_text()
        (package / "_library.py").unlink()
        (package / "_library.py").write_text(text)
        (package / "libtilewright.so.0").symlink_to(os.path.realpath(os.environ["TILEWRIGHT_LIBRARY"]))
        done = self.child(PYTHONPATH=str(self.folder))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn(str(self.folder), done.stdout)

    def test_missing(self):
        done = self.child(TILEWRIGHT_LIBRARY="/nonexistent/libtilewright.so.0")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("ImportError: libtilewright cannot be loaded (TILEWRIGHT_LIBRARY may name it): /nonexistent/", done.stderr)
        done = self.child(TILEWRIGHT_LIBRARY="libm.so.6")
        self.assertIn("ImportError: libm.so.6: has no tw_version", done.stderr)
