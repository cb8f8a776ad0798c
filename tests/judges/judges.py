# SPDX-License-Identifier: MIT
"""judges.py BUILD: other people's programs beside ours. Where our field files send points, and the pixels that `tilewright
warp` makes of them, as SimpleITK and transformix have it; and their files as we have them. Prints a line for each."""
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy
import SimpleITK

WIDTH, HEIGHT = 300, 220  # of field_tool.c
EXACT, TEXT = 1e-6, 1e-4  # px; transformix prints six digits behind the point
LEVEL = 1e-3              # of full scale
SEED = 20

bad = 0


def say(name, error, limit):
    global bad
    fine = error <= limit
    bad += not fine
    print(f"{'ok   ' if fine else 'WRONG'} {name}: {error:.2g}, {limit:g} is allowed")


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    # transformix 5.0.1 now and then aborts when all is written: its threads end out of turn (std::system_error).
    late = command[0] == "transformix" and done.returncode < 0 and "transformix has finished" in done.stdout
    if done.returncode and not late:
        sys.exit(f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout[-2000:]}{done.stderr}")
    return done.stdout


def points(width=WIDTH, height=HEIGHT):
    """Random ones in and around the picture, its border pixels, and whole pixels."""
    random = numpy.random.default_rng(SEED)
    some = random.uniform((-40, -40), (width + 40, height + 40), (600, 2))
    edge = [(x, y) for x in range(0, width, 7) for y in (0, height - 1)]
    edge += [(x, y) for x in (0, width - 1) for y in range(height)]
    return numpy.concatenate([some, edge, [(width - 1, height - 1)], numpy.floor(some[:200])])


def all_pixels():
    y, x = numpy.mgrid[:HEIGHT, :WIDTH]
    return numpy.stack([x.ravel(), y.ravel()], 1)


def ours(tool, path, at):
    text = "\n".join(f"{x:.17g} {y:.17g}" for x, y in at)
    return numpy.array([line.split() for line in run(tool, "points", path, input=text).splitlines()], float)


def by_simpleitk(transform, at):
    return numpy.array([transform.TransformPoint((float(x), float(y))) for x, y in at])


def by_transformix(path, at, folder):
    listed = folder / "points.txt"
    listed.write_text(f"point\n{len(at)}\n" + "\n".join(f"{x:.17g} {y:.17g}" for x, y in at) + "\n")
    run("transformix", "-def", listed, "-out", folder, "-tp", path)
    found = re.findall(r"OutputPoint = \[ (\S+) (\S+) \]", (folder / "outputpoints.txt").read_text())
    return numpy.array(found, float)


def far(a, b):
    if a.shape != b.shape:
        return float("inf")
    return float(numpy.max(numpy.abs(a - b)))


def our_texts(tool, folder):
    """ORDER: affine maps and lattices, the first one applied first."""
    for order in ("a", "l", "la", "al", "lal", "alla"):
        itk, elastix = folder / f"{order}.tfm", folder / f"{order}.txt"
        run(tool, "make", itk, order)
        run(tool, "make", elastix, order)
        at = points()
        here = ours(tool, itk, at)
        say(f"our .tfm ({order}) in SimpleITK", far(here, by_simpleitk(SimpleITK.ReadTransform(str(itk)), at)), EXACT)
        say(f"our .txt ({order}) in transformix", far(here, by_transformix(elastix, at, folder)), TEXT)
        say(f"our .txt ({order}) read by us", far(here, ours(tool, elastix, at)), 0)


def made_transforms():
    lattice = SimpleITK.BSplineTransformInitializer(SimpleITK.Image(WIDTH, HEIGHT, SimpleITK.sitkFloat32), [7, 5])
    random = numpy.random.default_rng(SEED)
    lattice.SetParameters([float(v) for v in random.uniform(-6, 6, len(lattice.GetParameters()))])
    affine = SimpleITK.AffineTransform([1.02, 0.1, -0.07, 0.95], [4, -9], [80, 60])
    parts = {
        "translation": SimpleITK.TranslationTransform(2, [3.25, -7.5]),
        "affine": affine,
        "Euler": SimpleITK.Euler2DTransform([150, 110], 0.3, [5, 6]),
        "similarity": SimpleITK.Similarity2DTransform(1.1, -0.2, [5, 6], [100, 20]),
        "scale": SimpleITK.ScaleTransform(2, [0.9, 1.2]),
        "lattice": lattice,
    }
    parts["composite"] = SimpleITK.CompositeTransform([parts["Euler"], lattice, affine])
    return parts


def their_texts(tool, folder):
    for name, transform in made_transforms().items():
        path = folder / "theirs.tfm"
        SimpleITK.WriteTransform(transform, str(path))
        say(f"SimpleITK's {name} read by us", far(ours(tool, path, points()), by_simpleitk(transform, points())), EXACT)


def displacement_transform(path):
    return SimpleITK.DisplacementFieldTransform(SimpleITK.ReadImage(str(path), SimpleITK.sitkVectorFloat64))


def same_displacements(name, tool, path, judged):
    say(name, far(ours(tool, path, points()), by_simpleitk(displacement_transform(judged), points())), EXACT)


def our_displacements(tool, folder):
    for ending in ("mhd", "nrrd"):
        path = folder / f"shifts.{ending}"
        run(tool, "make", path, "la")
        same_displacements(f"our .{ending} in SimpleITK", tool, path, path)


def their_displacements(tool, folder):
    random = numpy.random.default_rng(SEED)
    kinds = {"mha": numpy.float32, "mhd": numpy.float64, "nrrd": numpy.float64, "nhdr": numpy.float32}
    for ending, kind in kinds.items():
        values = random.uniform(-9, 9, (40, 60, 2)).astype(numpy.float32).astype(kind)
        image = SimpleITK.GetImageFromArray(values, isVector=True)
        image.SetSpacing((4.5, 5.25))
        image.SetOrigin((-3, 2.5))
        path = folder / f"theirs.{ending}"
        SimpleITK.WriteImage(image, str(path))
        same_displacements(f"SimpleITK's .{ending} read by us", tool, path, path)
    values = random.uniform(-9, 9, (HEIGHT, WIDTH, 2)).astype(numpy.float32)
    image = SimpleITK.GetImageFromArray(values, isVector=True)
    for name in ("every.nii", "every.mha"):
        SimpleITK.WriteImage(image, str(folder / name))
    numpy.save(folder / "pairs.npy", values)
    numpy.save(folder / "planes.npy", numpy.moveaxis(values, 2, 0).astype(">f8"))
    for name in ("every.nii", "pairs.npy", "planes.npy"):
        same_displacements(f"{name} read by us", tool, folder / name, folder / "every.mha")
    run("transformix", "-def", "all", "-out", folder, "-tp", folder / "lal.txt")
    here = ours(tool, folder / "lal.txt", all_pixels())
    there = ours(tool, folder / "deformationField.mhd", all_pixels())
    say("transformix' deformationField.mhd read by us", far(there, here), TEXT)


# ---- real elastix ----

PARAMETERS = """
(FixedInternalImagePixelType "float")
(MovingInternalImagePixelType "float")
(UseDirectionCosines "true")
(Registration "MultiResolutionRegistration")
(Interpolator "LinearInterpolator")
(ResampleInterpolator "FinalBSplineInterpolator")
(Resampler "DefaultResampler")
(FixedImagePyramid "FixedSmoothingImagePyramid")
(MovingImagePyramid "MovingSmoothingImagePyramid")
(Optimizer "AdaptiveStochasticGradientDescent")
(Metric "AdvancedMeanSquares")
(AutomaticTransformInitialization "true")
(AutomaticScalesEstimation "true")
(HowToCombineTransforms "Compose")
(NumberOfResolutions 2)
(MaximumNumberOfIterations 60)
(NumberOfSpatialSamples 1000)
(NewSamplesEveryIteration "true")
(ImageSampler "RandomCoordinate")
(FinalGridSpacingInPhysicalUnits 20 24)
(WriteResultImage "false")
(RandomSeed 7)
"""
SIDE = (150, 130)


def blobs(bend):
    """The same dots, bent."""
    y, x = numpy.mgrid[: SIDE[1], : SIDE[0]].astype(float)
    x, y = x + bend * numpy.sin(y / 17) + bend, y + bend * numpy.cos(x / 23)
    random = numpy.random.default_rng(SEED)
    picture = numpy.zeros_like(x)
    for cx, cy in random.uniform((0, 0), SIDE, (60, 2)):
        picture += numpy.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 50)
    return SimpleITK.GetImageFromArray((80 * picture).astype(numpy.float32))


def elastix(tool, folder):
    SimpleITK.WriteImage(blobs(0), str(folder / "fixed.mhd"))
    SimpleITK.WriteImage(blobs(3), str(folder / "moving.mhd"))
    for chain in (("Translation",), ("Euler", "BSpline"), ("Affine", "RecursiveBSpline")):
        out = folder / "".join(chain)
        out.mkdir()
        command = ["elastix", "-f", folder / "fixed.mhd", "-m", folder / "moving.mhd", "-out", out]
        for kind in chain:
            listed = out / f"{kind}.txt"
            listed.write_text(PARAMETERS + f'(Transform "{kind}Transform")\n')
            command += ["-p", listed]
        run(*command)
        at = points(*SIDE)
        last = out / f"TransformParameters.{len(chain) - 1}.txt"
        there = by_transformix(last, at, out)
        moved = float(numpy.mean(numpy.hypot(*(there - at).T)))
        say(f"elastix' own {' + '.join(chain)} ({moved:.1f} px) read by us", far(ours(tool, last, at), there), TEXT)
        if moved < 0.5:
            sys.exit("elastix found nothing to move")


# ---- pixels ----


def photo_like():
    random = numpy.random.default_rng(SEED)
    rough = SimpleITK.GetImageFromArray(random.uniform(0, 255, (HEIGHT, WIDTH)).astype(numpy.float32))
    return SimpleITK.Cast(SimpleITK.RescaleIntensity(SimpleITK.DiscreteGaussian(rough, 2.0), 0, 255), SimpleITK.sitkFloat32)


def warped(command, folder, field, interpolate):
    out = folder / "warped.tif"
    run(command, "warp", folder / "picture.tif", out, "--field", field, "--interpolate", interpolate, "--allow-folds",
        "--size", f"{WIDTH}x{HEIGHT}", "--tile", "64", "--overwrite", "--quiet")
    return SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(out)))


def inside(tool, field):
    """Pixels that come from inside the picture: programs differ in what lies beyond."""
    to = ours(tool, field, all_pixels()).reshape(HEIGHT, WIDTH, 2)
    return (to[..., 0] > 1) & (to[..., 0] < WIDTH - 2) & (to[..., 1] > 1) & (to[..., 1] < HEIGHT - 2), to


def level(a, b, where):
    return float(numpy.max(numpy.abs(a.astype(float) - b.astype(float))[where])) / 255


def pixels(command, tool, folder):
    picture = photo_like()
    for name in ("picture.tif", "picture.mhd"):
        SimpleITK.WriteImage(picture, str(folder / name))
    where, to = inside(tool, folder / "la.tfm")
    clear = where & (numpy.abs(to - numpy.floor(to) - 0.5).min(axis=2) > 1e-9)

    def same(field, interpolate, transform, method, where, limit):
        result = SimpleITK.GetArrayFromImage(SimpleITK.Resample(picture, picture, transform, method))
        error = level(warped(command, folder, folder / field, interpolate), result, where)
        say(f"warp --field {field} --interpolate {interpolate} and SimpleITK", error, limit)

    lattice, shifts = SimpleITK.ReadTransform(str(folder / "la.tfm")), displacement_transform(folder / "shifts.mhd")
    same("la.tfm", "bilinear", lattice, SimpleITK.sitkLinear, where, LEVEL)
    same("la.tfm", "nearest", lattice, SimpleITK.sitkNearestNeighbor, clear, 0)
    same("shifts.mhd", "bilinear", shifts, SimpleITK.sitkLinear, where, LEVEL)

    text = (folder / "la.txt").read_text().replace("FinalBSplineInterpolationOrder 3", "FinalBSplineInterpolationOrder 1")
    (folder / "linear.txt").write_text(text)
    run("transformix", "-in", folder / "picture.mhd", "-out", folder, "-tp", folder / "linear.txt")
    result = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(folder / "result.mhd")))
    error = level(warped(command, folder, folder / "la.txt", "bilinear"), result, where)
    say(f"warp --field la.txt --interpolate bilinear and transformix, {where.mean():.0%} of the pixels", error, LEVEL)


# ---- a whole registration ----


def registered(build, folder):
    """Where two made scans lie over each other, is known; what `register` writes is asked of the others."""
    fixed, moving, truth = folder / "fixed.tif", folder / "moving.tif", folder / "truth.csv"
    run(build / "tests/pairs/make_pair", "1500x1200", "weave", fixed, moving, truth, "random=0.5")
    at, to = numpy.split(numpy.genfromtxt(truth, delimiter=",", skip_header=1), 2, axis=1)
    found = {}
    for ending in ("tfm", "txt", "mhd"):
        path = folder / f"found.{ending}"
        run(build / "tilewright", "register", fixed, moving, "--field", path, "--overwrite", "--quiet")
        if ending == "tfm":
            found[ending] = by_simpleitk(SimpleITK.ReadTransform(str(path)), at)
        elif ending == "mhd":
            found[ending] = by_simpleitk(displacement_transform(path), at)
        else:
            found[ending] = by_transformix(path, at, folder)
    moved = numpy.mean(numpy.hypot(*(to - at).T))
    say(f"register's .tfm in SimpleITK, mean error where points move by {moved:.0f} px",
        numpy.mean(numpy.hypot(*(found["tfm"] - to).T)), 0.5)
    say("register's .txt in transformix and its .tfm in SimpleITK", far(found["txt"], found["tfm"]), TEXT)
    say("register's .mhd and its .tfm in SimpleITK", far(found["mhd"], found["tfm"]), 1e-3)  # float samples, bilinear


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    tool = build / "tests/judges/field_tool"
    with tempfile.TemporaryDirectory(prefix="tilewright-judges-") as name:
        folder = pathlib.Path(name)
        our_texts(tool, folder)
        their_texts(tool, folder)
        our_displacements(tool, folder)
        their_displacements(tool, folder)
        elastix(tool, folder)
        pixels(build / "tilewright", tool, folder)
        registered(build, folder)
    sys.exit(bad > 0)


main()
