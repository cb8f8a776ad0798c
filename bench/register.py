# SPDX-License-Identifier: MIT
"""register beside elastix on one made pair: register.py BUILD PHOTOS WxH WORK

elastix (affine, then B-splines; normalised correlation, adaptive stochastic gradient descent) gets both pictures as grey floats, made smaller until they have at most
14.1 megapixels, as its memory asks for; errors are those at full resolution. tilewright runs at full resolution in 256 MB. Prints one line of Markdown for each.
"""
import os
import re
import subprocess
import sys
import numpy as np
import SimpleITK as sitk

MOST = 14.1e6
COMMON = '''(FixedInternalImagePixelType "float")
(MovingInternalImagePixelType "float")
(Registration "MultiResolutionRegistration")
(Interpolator "LinearInterpolator")
(ResampleInterpolator "FinalBSplineInterpolator")
(Resampler "DefaultResampler")
(FixedImagePyramid "FixedSmoothingImagePyramid")
(MovingImagePyramid "MovingSmoothingImagePyramid")
(Optimizer "AdaptiveStochasticGradientDescent")
(HowToCombineTransforms "Compose")
(AutomaticTransformInitialization "true")
(Metric "AdvancedNormalizedCorrelation")
(NumberOfResolutions 4)
(NumberOfSpatialSamples 5000)
(NewSamplesEveryIteration "true")
(ImageSampler "RandomCoordinate")
(WriteResultImage "false")
(UseDirectionCosines "true")
'''


def timed(*arguments):
    """Seconds and the peak of the process in MiB, as the kernel has them."""
    done = subprocess.run(['/usr/bin/env', 'time', '-f', 'bench %e %M', *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f'{" ".join(map(str, arguments))}: {done.stdout[-1500:]}{done.stderr[-1500:]}')
    seconds, peak = re.search(r'bench ([\d.]+) (\d+)', done.stderr).groups()
    return float(seconds), int(peak) / 1024


class Pair:
    def __init__(self, build, photos, size, work):
        self.build, self.work = build, work
        subprocess.run([os.path.join(build, 'tests/pairs/make_pair'), size, 'photos', self.at('fixed.tif'), self.at('moving.tif'),
                        self.at('truth.csv'), f'photos={photos}'], check=True)
        self.truth = np.loadtxt(self.at('truth.csv'), delimiter=',', skiprows=1)

    def at(self, name):
        return os.path.join(self.work, name)

    def mapped(self, field, points):
        tool = os.path.join(self.build, 'tests/judges/field_tool')
        text = ''.join(f'{x!r} {y!r}\n' for x, y in points.tolist())
        said = subprocess.run([tool, 'points', self.at(field)], input=text, capture_output=True, text=True, check=True).stdout
        return np.array([[float(v) for v in line.split()] for line in said.splitlines()])

    def row(self, name, seconds, peak, found):
        error = np.hypot(*(found - self.truth[:, 2:]).T)
        print(f'| {name} | {seconds:.1f} | {peak:.0f} | {error.mean():.3f} | {np.quantile(error, 0.95):.3f} | {error.max():.2f} |', flush=True)

    def shrink(self):
        """Grey floats of at most MOST pixels; returns by how much they are smaller."""
        for name in ('fixed', 'moving'):
            grey = sitk.GetArrayFromImage(sitk.ReadImage(self.at(name + '.tif'))).astype(np.float32) @ np.float32([0.299, 0.587, 0.114])
            factor = int(np.ceil(np.sqrt(grey.size / MOST)))
            h, w = (n // factor * factor for n in grey.shape)
            grey = grey[:h, :w].reshape(h // factor, factor, w // factor, factor).mean((1, 3))
            sitk.WriteImage(sitk.GetImageFromArray(np.ascontiguousarray(grey)), self.at(name + '.mhd'))
        return factor

    def elastix(self, iterations, spacing):
        factor, parameters = self.shrink(), []
        for name, more in (('affine', '(Transform "AffineTransform")\n(MaximumNumberOfIterations 500)\n'),
                           ('lattice', f'(Transform "BSplineTransform")\n(MaximumNumberOfIterations {iterations})\n'
                                       f'(FinalGridSpacingInPhysicalUnits {spacing})\n')):
            with open(self.at(name + '.txt'), 'w') as f:
                f.write(COMMON + more)
            parameters += ['-p', self.at(name + '.txt')]
        cost = timed('elastix', '-f', self.at('fixed.mhd'), '-m', self.at('moving.mhd'), *parameters, '-out', self.work)
        middle = (factor - 1) / 2
        found = self.mapped('TransformParameters.1.txt', (self.truth[:, :2] - middle) / factor) * factor + middle
        self.row(f'elastix 5.0, at 1/{factor} of the size, {iterations} steps, spacing {spacing * factor}', *cost, found)

    def tilewright(self, memory):
        cost = timed(os.path.join(self.build, 'tilewright'), 'register', self.at('fixed.tif'), self.at('moving.tif'), '--field',
                     self.at('found.tfm'), '--memory', memory, '--overwrite', '--quiet')
        self.row(f'**tilewright register**, full size, `--memory {memory}`', *cost, self.mapped('found.tfm', self.truth[:, :2]))


def main():
    build, photos, size, work = sys.argv[1:5]
    pair = Pair(build, photos, size, work)
    print(f'{size}, {len(pair.truth)} points:\n\n| | seconds | peak MiB | mean error, pixels | p95 | max |\n|---|---|---|---|---|---|')
    pair.tilewright('256M')
    pair.elastix(500, 64)
    pair.elastix(2000, 32)


if __name__ == '__main__':
    main()
