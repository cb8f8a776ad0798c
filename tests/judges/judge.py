# SPDX-License-Identifier: MIT
"""Other programs judge our fields: judge.py TILEWRIGHT FIELD_TOOL MAKE_PAIR PHOTOS

transformix (elastix) applies a lattice that register found and exported: the same points and the same pixels. SimpleITK reads our .tfm,
.mhd and .nrrd: the same points. elastix registers the same pair itself: we read what it writes, and map points as transformix does.
Prints what was measured; exits 1 when anything is further apart than it may be.
"""
import os
import subprocess
import sys
import tempfile
import numpy as np
import SimpleITK as sitk

SIZE = 1100, 900
ELASTIX = '''(FixedInternalImagePixelType "float")
(MovingInternalImagePixelType "float")
(Registration "MultiResolutionRegistration")
(Interpolator "LinearInterpolator")
(ResampleInterpolator "FinalBSplineInterpolator")
(Resampler "DefaultResampler")
(FixedImagePyramid "FixedSmoothingImagePyramid")
(MovingImagePyramid "MovingSmoothingImagePyramid")
(Optimizer "AdaptiveStochasticGradientDescent")
(HowToCombineTransforms "Compose")
(Metric "AdvancedNormalizedCorrelation")
(NumberOfResolutions 2)
(MaximumNumberOfIterations 60)
(NumberOfSpatialSamples 2000)
(NewSamplesEveryIteration "true")
(ImageSampler "RandomCoordinate")
(WriteResultImage "false")
(UseDirectionCosines "true")
'''
worst = 0


def run(*arguments, **more):
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, **more)
    if done.returncode:
        sys.exit(f'{" ".join(map(str, arguments))}: {done.stdout[-2000:]}{done.stderr[-2000:]}')
    return done.stdout


def verdict(what, difference, allowed, unit):
    global worst
    good = difference <= allowed
    worst |= not good
    print(f'{"ok  " if good else "FAIL"}  {what}: {difference:.2g} {unit}, at most {allowed:g}', flush=True)


class Judge:
    def __init__(self, tilewright, tool, make_pair, photos, work):
        self.tilewright, self.tool, self.work = tilewright, tool, work
        run(make_pair, '%dx%d' % SIZE, 'photos', self.at('fixed.tif'), self.at('moving.tif'), self.at('truth.csv'), 'waves=0.3',
            f'photos={photos}')
        rng = np.random.default_rng(5)
        self.points = rng.uniform((40, 40), np.array(SIZE) - 40, (500, 2))
        for name in ('fixed', 'moving'):
            image = sitk.ReadImage(self.at(name + '.tif'))
            grey = sitk.GetArrayFromImage(image).astype(np.float32)[..., 1]
            sitk.WriteImage(sitk.GetImageFromArray(grey), self.at(name + '.mhd'))

    def at(self, name):
        return os.path.join(self.work, name)

    def ours(self, field, points):
        said = run(self.tool, 'points', self.at(field), input=''.join(f'{x!r} {y!r}\n' for x, y in points.tolist()))
        return np.array([[float(v) for v in line.split()] for line in said.splitlines()])

    def register(self, field):
        run(self.tilewright, 'register', self.at('fixed.tif'), self.at('moving.tif'), '--field', self.at(field), '--overwrite', '--quiet')

    def transformix(self, parameters, *arguments):
        folder = self.at('transformix')
        os.makedirs(folder, exist_ok=True)
        run('transformix', '-tp', parameters, '-out', folder, *arguments)
        return folder

    def linear(self, parameters):
        """A copy that samples between pixels as we can: bilinear."""
        with open(self.at(parameters)) as f:
            text = f.read().replace('(FinalBSplineInterpolationOrder 3)', '(FinalBSplineInterpolationOrder 1)')
        with open(self.at('linear.txt'), 'w') as f:
            f.write(text)
        return self.at('linear.txt')

    def elastix_points(self, parameters, points):
        with open(self.at('points.txt'), 'w') as f:
            f.write(f'point\n{len(points)}\n' + ''.join(f'{x!r} {y!r}\n' for x, y in points.tolist()))
        folder = self.transformix(parameters, '-def', self.at('points.txt'))
        with open(os.path.join(folder, 'outputpoints.txt')) as f:
            return np.array([[float(v) for v in line.split('OutputPoint = [')[1].split(']')[0].split()] for line in f])

    def exported(self):
        self.register('found.txt')
        theirs = self.elastix_points(self.at('found.txt'), self.points)
        verdict('transformix maps points by our lattice', np.abs(theirs - self.ours('found.txt', self.points)).max(), 2e-4, 'pixels')
        folder = self.transformix(self.linear('found.txt'), '-in', self.at('moving.mhd'))
        result = sitk.GetArrayFromImage(sitk.ReadImage(os.path.join(folder, 'result.mhd')))
        sitk.WriteImage(sitk.Cast(sitk.ReadImage(self.at('moving.mhd')) / 255, sitk.sitkFloat32), self.at('moving-float.tif'))
        run(self.tilewright, 'warp', self.at('moving-float.tif'), self.at('warped.tif'), '--field', self.at('found.txt'), '--interpolate',
            'bilinear', '--overwrite', '--quiet')
        ours = sitk.GetArrayFromImage(sitk.ReadImage(self.at('warped.tif')))
        inside = (slice(40, -40), slice(40, -40))
        verdict('transformix makes the same pixels', np.abs(result[inside] / 255 - ours[inside]).max(), 1e-3, 'of full scale')

    def itk(self):
        self.register('found.tfm')
        theirs = sitk.ReadTransform(self.at('found.tfm'))
        mapped = np.array([theirs.TransformPoint(p) for p in self.points.tolist()])
        verdict('SimpleITK maps points by our .tfm', np.abs(mapped - self.ours('found.tfm', self.points)).max(), 1e-9, 'pixels')
        whole = np.rint(self.points)
        for name in ('found.mhd', 'found.nrrd'):
            self.register(name)
            shifts = sitk.DisplacementFieldTransform(sitk.ReadImage(self.at(name), sitk.sitkVectorFloat64))
            mapped = np.array([shifts.TransformPoint(p) for p in whole.tolist()])
            verdict(f'SimpleITK maps points by our {name[5:]}', np.abs(mapped - self.ours('found.tfm', whole)).max(), 1e-4, 'pixels')

    def theirs(self):
        for name, more in (('affine', '(Transform "AffineTransform")\n'),
                           ('lattice', '(Transform "BSplineTransform")\n(FinalGridSpacingInPhysicalUnits 120)\n')):
            with open(self.at(name + '.txt'), 'w') as f:
                f.write(ELASTIX + more)
        run('elastix', '-f', self.at('fixed.mhd'), '-m', self.at('moving.mhd'), '-p', self.at('affine.txt'), '-p', self.at('lattice.txt'),
            '-out', self.work)
        theirs = self.elastix_points(self.at('TransformParameters.1.txt'), self.points)
        verdict('we map points by what elastix found', np.abs(theirs - self.ours('TransformParameters.1.txt', self.points)).max(), 2e-3,
                'pixels')
        truth = np.loadtxt(self.at('truth.csv'), delimiter=',', skiprows=1)
        for field in ('TransformParameters.1.txt', 'found.tfm'):
            error = np.hypot(*(self.ours(field, truth[:, :2]) - truth[:, 2:]).T)
            print(f'      {field}: distance to the truth, mean {error.mean():.3f}, p95 {np.quantile(error, 0.95):.3f} pixels')


def main():
    with tempfile.TemporaryDirectory() as work:
        judge = Judge(*sys.argv[1:5], work)
        judge.exported()
        judge.itk()
        judge.theirs()
    sys.exit(worst)


if __name__ == '__main__':
    main()
