/* SPDX-License-Identifier: MIT */
/** A picture from your program's memory, and its enlargement back into it; then the same row by row, as for a result that no
 *  memory could hold. No file is read or written.
 *
 *      pixels [WIDTH HEIGHT] */
#include <stdio.h>
#include <stdlib.h>

#include <tilewright/tilewright.h>

/* Any picture: here a grey disc before a slope. */
static uint8_t *draw(int64_t width, int64_t height)
{
    uint8_t *pixels = malloc((size_t)(width * height));
    for (int64_t y = 0; pixels && y < height; y++)
        for (int64_t x = 0; x < width; x++) {
            int64_t dx = 2 * x - width, dy = 2 * y - height, radius = width < height ? width : height;
            pixels[y * width + x] = dx * dx + dy * dy < radius * radius / 2 ? 40 : (uint8_t)(100 + 120 * x / width);
        }
    return pixels;
}

/* Asked once, when the size of the result is known: where shall it go? */
static void *place(void *user, tw_pixels *result)
{
    uint8_t **large = user;
    *large = malloc((size_t)(result->row_bytes * result->height));
    return *large; /* NULL would end the run */
}

/* Row after row, each once and in order: here they are only added up. */
typedef struct adder {
    tw_pixels result;
    uint64_t sum;
} adder;

static int begin(void *user, const tw_pixels *result)
{
    ((adder *)user)->result = *result;
    return 0;
}

static int add_rows(void *user, int64_t y, int64_t n, const void *pixels)
{
    adder *a = user;
    (void)y;
    for (int64_t i = 0; i < n * a->result.row_bytes; i++)
        a->sum += ((const uint8_t *)pixels)[i];
    return 0; /* anything else would end the run */
}

int main(int argc, char **argv)
{
    tw_pixels layout = {.width = argc > 2 ? atoll(argv[1]) : 200, .height = argc > 2 ? atoll(argv[2]) : 150};
    tw_error err = TW_ERROR_NONE;
    tw_session *session = NULL;
    tw_job *job = NULL;
    uint8_t *large = NULL, *small = layout.width > 0 && layout.height > 0 ? draw(layout.width, layout.height) : NULL;
    uint64_t sum = 0;
    adder rows = {.sum = 0};

    layout.bands = 1;
    layout.sample = TW_SAMPLE_U8; /* row_bytes stays 0: no gaps */
    if (tw_session_new(&session, &err) == TW_OK && tw_job_new(session, "upscale", &job, &err) == TW_OK) {
        tw_job_input_pixels(job, &layout, small, "the disc", &err);
        tw_job_output_pixels(job, place, &large, &err);
        if (err.code == TW_OK && tw_job_run(job, &err) == TW_OK) {
            tw_pixels result;
            tw_job_result_pixels(job, &result);
            for (int64_t i = 0; i < result.row_bytes * result.height; i++)
                sum += large[i];
            printf("%lld x %lld pixels became %lld x %lld, the middle is %d\n", (long long)layout.width,
                   (long long)layout.height, (long long)result.width, (long long)result.height,
                   large[result.height / 2 * result.row_bytes + result.width / 2]);
            tw_job_output_rows(job, begin, add_rows, &rows, &err); /* a job may run again, to another output */
            tw_job_run(job, &err);
        }
    }
    if (err.code != TW_OK)
        fprintf(stderr, "pixels: %s\n", err.message);
    else
        printf("row by row: %s\n", rows.sum == sum ? "the same" : "something else");
    tw_job_free(job); /* the pixels must stay until here */
    tw_session_free(session);
    free(large);
    free(small);
    return err.code != TW_OK ? (int)err.code : rows.sum == sum ? 0 : 1;
}
