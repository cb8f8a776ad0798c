# shellcheck shell=bash
# Written by tools/docs/generate.py from the options tables; do not edit.
_tilewright() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} op=${COMP_WORDS[1]} options=
    COMPREPLY=()
    if [ "$COMP_CWORD" = 1 ]; then
        COMPREPLY=($(compgen -W "upscale interpolate compare register warp plan verify batch serve models help --help --version" -- "$cur"))
        return
    fi
    case $op in
        plan|help)
            if [ "$COMP_CWORD" = 2 ]; then
                COMPREPLY=($(compgen -W "upscale interpolate compare register warp" -- "$cur"))
                return
            fi
            op=${COMP_WORDS[2]} ;;
        models)
            if [ "$COMP_CWORD" = 2 ]; then
                COMPREPLY=($(compgen -W "list info add install" -- "$cur"))
                return
            fi
            ;;
    esac
    case $op in
    upscale)
        options="-n --model -s --scale --engine --noise --strength --region -x --tta --pad --blend --ramp --seams --sync -f --format -q --quality --lossless -c --compression --tiff-compression --tiff-tile --orient --auto-orient --memory --vram --threads --device --schedule -t --tile --tile-size --tile-threshold --enable-tiling --halo --tile-overlap --profile --scratch --scratch-limit --max-pixels --overwrite --config --json --quiet --progress --resume -h --help"
        case $prev in
            -n|--model) return ;;
            -s|--scale) return ;;
            --engine) COMPREPLY=($(compgen -W "realcugan realesrgan waifu2x span" -- "$cur")); return ;;
            --noise) return ;;
            --strength) COMPREPLY=($(compgen -W "low medium high" -- "$cur")); return ;;
            --region) return ;;
            --pad) COMPREPLY=($(compgen -W "reflect replicate zero" -- "$cur")); return ;;
            --blend) COMPREPLY=($(compgen -W "none linear cosine gaussian" -- "$cur")); return ;;
            --ramp) return ;;
            --seams) COMPREPLY=($(compgen -W "even content" -- "$cur")); return ;;
            --sync) COMPREPLY=($(compgen -W "exact fast off" -- "$cur")); return ;;
            -f|--format) COMPREPLY=($(compgen -W "png jpeg webp tiff gif jxl avif heif ppm" -- "$cur")); return ;;
            -q|--quality) COMPREPLY=($(compgen -W "fast balanced best" -- "$cur")); return ;;
            -c|--compression) return ;;
            --tiff-compression) COMPREPLY=($(compgen -W "none lzw deflate zstd" -- "$cur")); return ;;
            --tiff-tile) return ;;
            --memory) return ;;
            --vram) return ;;
            --threads) return ;;
            --device) COMPREPLY=($(compgen -W "auto cpu gpu" -- "$cur")); return ;;
            --schedule) COMPREPLY=($(compgen -W "auto carry halo whole" -- "$cur")); return ;;
            -t|--tile|--tile-size) return ;;
            --tile-threshold) return ;;
            --enable-tiling) COMPREPLY=($(compgen -W "true false" -- "$cur")); return ;;
            --halo|--tile-overlap) COMPREPLY=($(compgen -W "exact" -- "$cur")); return ;;
            --profile) COMPREPLY=($(compgen -W "manga 4k low-memory fast quality speed" -- "$cur")); return ;;
            --scratch-limit) return ;;
            --max-pixels) return ;;
            --progress) COMPREPLY=($(compgen -W "auto bar json none" -- "$cur")); return ;;
        esac ;;
    interpolate)
        options="-n --model -t --time --timestep --pad --flow-scale --scene-cut --static --sample-steps --seed --blend -f --format -q --quality --lossless -c --compression --tiff-compression --tiff-tile --orient --auto-orient --memory --vram --threads --device --schedule -t --tile --tile-size --tile-threshold --enable-tiling --halo --tile-overlap --profile --scratch --scratch-limit --max-pixels --overwrite --factor --matrix --config --json --quiet --progress --resume -h --help"
        case $prev in
            -n|--model) return ;;
            -t|--time|--timestep) return ;;
            --pad) COMPREPLY=($(compgen -W "replicate reflect zero" -- "$cur")); return ;;
            --flow-scale) COMPREPLY=($(compgen -W "1 0.5 0.25 auto" -- "$cur")); return ;;
            --scene-cut) return ;;
            --static) return ;;
            --sample-steps) return ;;
            --seed) return ;;
            --blend) COMPREPLY=($(compgen -W "motion distance" -- "$cur")); return ;;
            -f|--format) COMPREPLY=($(compgen -W "png jpeg webp tiff gif jxl avif heif ppm" -- "$cur")); return ;;
            -q|--quality) return ;;
            -c|--compression) return ;;
            --tiff-compression) COMPREPLY=($(compgen -W "none lzw deflate zstd" -- "$cur")); return ;;
            --tiff-tile) return ;;
            --memory) return ;;
            --vram) return ;;
            --threads) return ;;
            --device) COMPREPLY=($(compgen -W "auto cpu gpu" -- "$cur")); return ;;
            --schedule) COMPREPLY=($(compgen -W "auto carry halo whole" -- "$cur")); return ;;
            -t|--tile|--tile-size) return ;;
            --tile-threshold) return ;;
            --enable-tiling) COMPREPLY=($(compgen -W "true false" -- "$cur")); return ;;
            --halo|--tile-overlap) COMPREPLY=($(compgen -W "exact" -- "$cur")); return ;;
            --profile) COMPREPLY=($(compgen -W "manga 4k low-memory fast quality speed" -- "$cur")); return ;;
            --scratch-limit) return ;;
            --max-pixels) return ;;
            --factor) return ;;
            --matrix) COMPREPLY=($(compgen -W "auto 601 709" -- "$cur")); return ;;
            --progress) COMPREPLY=($(compgen -W "auto bar json none" -- "$cur")); return ;;
        esac ;;
    compare)
        options="--crop --crop-border --grid --ssim-rgb --max-difference --min-psnr --memory --vram --threads --device --schedule -t --tile --tile-size --tile-threshold --enable-tiling --halo --tile-overlap --profile --scratch --scratch-limit --max-pixels --overwrite --config --json --quiet --progress --resume -h --help"
        case $prev in
            --crop|--crop-border) return ;;
            --grid) return ;;
            --max-difference) return ;;
            --min-psnr) return ;;
            --memory) return ;;
            --vram) return ;;
            --threads) return ;;
            --device) COMPREPLY=($(compgen -W "auto cpu gpu" -- "$cur")); return ;;
            --schedule) COMPREPLY=($(compgen -W "auto carry halo whole" -- "$cur")); return ;;
            -t|--tile|--tile-size) return ;;
            --tile-threshold) return ;;
            --enable-tiling) COMPREPLY=($(compgen -W "true false" -- "$cur")); return ;;
            --halo|--tile-overlap) COMPREPLY=($(compgen -W "exact" -- "$cur")); return ;;
            --profile) COMPREPLY=($(compgen -W "manga 4k low-memory fast quality speed" -- "$cur")); return ;;
            --scratch-limit) return ;;
            --max-pixels) return ;;
            --progress) COMPREPLY=($(compgen -W "auto bar json none" -- "$cur")); return ;;
        esac ;;
    register)
        options="--field --warped --keep-full-resolution --displacement-step --init --mask-fixed --mask-moving --transform --spacing --max-registration-pixels --registration-size --allow-downsampling --report --selftest --check-backward --resume --allow-ambiguous --memory --vram --threads --device --schedule -t --tile --tile-size --tile-threshold --enable-tiling --halo --tile-overlap --profile --scratch --scratch-limit --max-pixels --overwrite --config --json --quiet --progress -h --help"
        case $prev in
            --field) return ;;
            --warped) return ;;
            --keep-full-resolution) COMPREPLY=($(compgen -W "true false" -- "$cur")); return ;;
            --displacement-step) return ;;
            --transform) COMPREPLY=($(compgen -W "similarity affine lattice" -- "$cur")); return ;;
            --spacing) return ;;
            --max-registration-pixels) COMPREPLY=($(compgen -W "auto" -- "$cur")); return ;;
            --registration-size) return ;;
            --report) return ;;
            --memory) return ;;
            --vram) return ;;
            --threads) return ;;
            --device) COMPREPLY=($(compgen -W "auto cpu gpu" -- "$cur")); return ;;
            --schedule) COMPREPLY=($(compgen -W "auto carry halo whole" -- "$cur")); return ;;
            -t|--tile|--tile-size) return ;;
            --tile-threshold) return ;;
            --enable-tiling) COMPREPLY=($(compgen -W "true false" -- "$cur")); return ;;
            --halo|--tile-overlap) COMPREPLY=($(compgen -W "exact" -- "$cur")); return ;;
            --profile) COMPREPLY=($(compgen -W "manga 4k low-memory fast quality speed" -- "$cur")); return ;;
            --scratch-limit) return ;;
            --max-pixels) return ;;
            --progress) COMPREPLY=($(compgen -W "auto bar json none" -- "$cur")); return ;;
        esac ;;
    warp)
        options="--field --like --size --fit --interpolate --interpolation --outside --background --allow-folds --max-warp-pixels --no-tiled-warping -f --format -q --quality --lossless -c --compression --tiff-compression --tiff-tile --orient --auto-orient --memory --vram --threads --device --schedule -t --tile --tile-size --tile-threshold --enable-tiling --halo --tile-overlap --profile --scratch --scratch-limit --max-pixels --overwrite --config --json --quiet --progress --resume -h --help"
        case $prev in
            --size) return ;;
            --fit) return ;;
            --interpolate|--interpolation) COMPREPLY=($(compgen -W "bicubic lanczos3 bilinear nearest" -- "$cur")); return ;;
            --outside) COMPREPLY=($(compgen -W "background mirror transparent edge" -- "$cur")); return ;;
            --background) return ;;
            --max-warp-pixels) COMPREPLY=($(compgen -W "auto" -- "$cur")); return ;;
            -f|--format) COMPREPLY=($(compgen -W "png jpeg webp tiff gif jxl avif heif ppm" -- "$cur")); return ;;
            -q|--quality) return ;;
            -c|--compression) return ;;
            --tiff-compression) COMPREPLY=($(compgen -W "auto none lzw deflate zstd" -- "$cur")); return ;;
            --tiff-tile) return ;;
            --memory) return ;;
            --vram) return ;;
            --threads) return ;;
            --device) COMPREPLY=($(compgen -W "auto cpu gpu" -- "$cur")); return ;;
            --schedule) COMPREPLY=($(compgen -W "auto carry halo whole" -- "$cur")); return ;;
            -t|--tile|--tile-size) return ;;
            --tile-threshold) return ;;
            --enable-tiling) COMPREPLY=($(compgen -W "true false" -- "$cur")); return ;;
            --halo|--tile-overlap) COMPREPLY=($(compgen -W "exact" -- "$cur")); return ;;
            --profile) COMPREPLY=($(compgen -W "manga 4k low-memory fast quality speed" -- "$cur")); return ;;
            --scratch-limit) return ;;
            --max-pixels) return ;;
            --progress) COMPREPLY=($(compgen -W "auto bar json none" -- "$cur")); return ;;
        esac ;;
    verify)
        options="-t --tiles --tile --crop --shift --bound -n --model -s --scale --engine --noise --strength --region -x --tta --pad --blend --ramp --seams --sync -q --quality --tiff-tile --memory --vram --threads --device --schedule --halo --tile-overlap --profile --scratch --scratch-limit --max-pixels --config --json --quiet --progress -h --help"
        case $prev in
            -t|--tiles|--tile) return ;;
            --crop) return ;;
            --shift) return ;;
            --bound) return ;;
            -n|--model) return ;;
            -s|--scale) return ;;
            --engine) COMPREPLY=($(compgen -W "realcugan realesrgan waifu2x span" -- "$cur")); return ;;
            --noise) return ;;
            --strength) COMPREPLY=($(compgen -W "low medium high" -- "$cur")); return ;;
            --region) return ;;
            --pad) COMPREPLY=($(compgen -W "reflect replicate zero" -- "$cur")); return ;;
            --blend) COMPREPLY=($(compgen -W "none linear cosine gaussian" -- "$cur")); return ;;
            --ramp) return ;;
            --seams) COMPREPLY=($(compgen -W "even content" -- "$cur")); return ;;
            --sync) COMPREPLY=($(compgen -W "exact fast off" -- "$cur")); return ;;
            -q|--quality) COMPREPLY=($(compgen -W "fast balanced best" -- "$cur")); return ;;
            --tiff-tile) return ;;
            --memory) return ;;
            --vram) return ;;
            --threads) return ;;
            --device) COMPREPLY=($(compgen -W "auto cpu gpu" -- "$cur")); return ;;
            --schedule) COMPREPLY=($(compgen -W "auto carry halo whole" -- "$cur")); return ;;
            --halo|--tile-overlap) COMPREPLY=($(compgen -W "exact" -- "$cur")); return ;;
            --profile) COMPREPLY=($(compgen -W "manga 4k low-memory fast quality speed" -- "$cur")); return ;;
            --scratch-limit) return ;;
            --max-pixels) return ;;
            --progress) COMPREPLY=($(compgen -W "auto bar json none" -- "$cur")); return ;;
        esac ;;
    batch)
        options="-j --jobs --memory --vram --threads --device --schedule -t --tile --tile-size --tile-threshold --enable-tiling --halo --tile-overlap --profile --scratch --scratch-limit --max-pixels --overwrite --config --quiet -h --help"
        case $prev in
            -j|--jobs) return ;;
            --memory) return ;;
            --vram) return ;;
            --threads) return ;;
            --device) COMPREPLY=($(compgen -W "auto cpu gpu" -- "$cur")); return ;;
            --schedule) COMPREPLY=($(compgen -W "auto carry halo whole" -- "$cur")); return ;;
            -t|--tile|--tile-size) return ;;
            --tile-threshold) return ;;
            --enable-tiling) COMPREPLY=($(compgen -W "true false" -- "$cur")); return ;;
            --halo|--tile-overlap) COMPREPLY=($(compgen -W "exact" -- "$cur")); return ;;
            --profile) COMPREPLY=($(compgen -W "manga 4k low-memory fast quality speed" -- "$cur")); return ;;
            --scratch-limit) return ;;
            --max-pixels) return ;;
        esac ;;
    serve)
        options="--port --bind --token-file --root --max-body --max-waiting --store --keep --grace --timeout -j --jobs --memory --vram --threads --device --schedule -t --tile --tile-size --tile-threshold --enable-tiling --halo --tile-overlap --profile --scratch --scratch-limit --max-pixels --overwrite --config --quiet -h --help"
        case $prev in
            --port) return ;;
            --bind) return ;;
            --max-body) return ;;
            --max-waiting) return ;;
            --store) return ;;
            --keep) return ;;
            --grace) return ;;
            --timeout) return ;;
            -j|--jobs) return ;;
            --memory) return ;;
            --vram) return ;;
            --threads) return ;;
            --device) COMPREPLY=($(compgen -W "auto cpu gpu" -- "$cur")); return ;;
            --schedule) COMPREPLY=($(compgen -W "auto carry halo whole" -- "$cur")); return ;;
            -t|--tile|--tile-size) return ;;
            --tile-threshold) return ;;
            --enable-tiling) COMPREPLY=($(compgen -W "true false" -- "$cur")); return ;;
            --halo|--tile-overlap) COMPREPLY=($(compgen -W "exact" -- "$cur")); return ;;
            --profile) COMPREPLY=($(compgen -W "manga 4k low-memory fast quality speed" -- "$cur")); return ;;
            --scratch-limit) return ;;
            --max-pixels) return ;;
        esac ;;
    models)
        options="--json --quiet --name --record --range --channels --size-multiple --pad --mean --norm --out-mean --out-norm --title --licence -h --help"
        case $prev in
            --name) return ;;
            --range) COMPREPLY=($(compgen -W "1 255" -- "$cur")); return ;;
            --channels) COMPREPLY=($(compgen -W "rgb bgr" -- "$cur")); return ;;
            --size-multiple) return ;;
            --pad) COMPREPLY=($(compgen -W "reflect replicate zero" -- "$cur")); return ;;
            --mean) return ;;
            --norm) return ;;
            --out-mean) return ;;
            --out-norm) return ;;
            --title) return ;;
            --licence) return ;;
        esac ;;
    esac
    case $cur in
        -*) COMPREPLY=($(compgen -W "$options" -- "$cur")) ;;
        *) COMPREPLY=($(compgen -f -- "$cur")) ;;
    esac
}
complete -o filenames -F _tilewright tilewright
