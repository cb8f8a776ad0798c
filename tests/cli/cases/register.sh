# SPDX-License-Identifier: MIT
# a field is found, planned, told as JSON, and applied; what cannot be is refused, and nothing is left
printf '#Insight Transform File V1.0\n#Transform 0\nTransform: AffineTransform_double_2_2\nParameters: 1 0 0 1 %s 0\nFixedParameters: 0 0\n' 6 >shift.tfm
make-picture --grain in.png 400 300
tilewright warp in.png moved.png --field shift.tfm --outside mirror --quiet
tilewright plan register in.png moved.png --field found.tfm --json | json-keys op passes
tilewright register in.png moved.png --field found.tfm --report page.html --transform similarity --quiet --json | json-keys schema op field registration_size
tilewright warp moved.png back.png --field found.tfm --quiet
tilewright compare in.png back.png --crop 20 --min-psnr 30 --quiet; echo $?
grep -c "<h2>Pieces" page.html
tilewright register in.png moved.png --field found.tfm; echo $?
tilewright register in.png moved.png --field out.png; echo $?
tilewright register in.png moved.png; echo $?
tilewright register in.png moved.png --field out.tfm --memory 20M; echo $?
tilewright register in.png moved.png --field out.tfm --report out.png; echo $?
make-picture periodic.png 400 300
tilewright register in.png periodic.png --field out.tfm; echo $?
tilewright register in.png --selftest --quiet --json | json-keys registration_size
tilewright register in.png --field out.tfm; echo $?
make-picture --header huge.png 60000 60000
tilewright plan register huge.png huge.png --field out.tfm --memory 250M; echo $?
tilewright plan register huge.png huge.png --field out.tfm --memory 250M --allow-downsampling --warped out.tif | grep -c -e "20 passes" -e "^then huge.png: 60000x60000 -> 60000x60000"
tilewright register in.png moved.png --field out.tfm --warped back.png; echo $?
tilewright register - moved.png --field out.tfm --warped out.png <in.png 2>/dev/null | grep "^  warp" | cut -d, -f1,2
tilewright register moved.png - --field out2.tfm --warped out2.png <in.png; echo $?
make-picture small.png 40 300
tilewright register in.png small.png --field out.tfm; echo $?
ls
