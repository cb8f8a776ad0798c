/* SPDX-License-Identifier: MIT */
/** What the plan chooses, model by model, size by size, budget by budget, and the rules that hold for all of it. The pictures are
 *  headers: uncompressed TIFFs whose samples are a hole in the file, since a plan reads no more.
 *
 *  `test_plan --markdown` prints the table of docs/profiles.md (tools/docs/plans.sh puts it there). */
#include "job_fixture.h"

#define MIB     (INT64_C(1) << 20)
#define STRIP   16
#define THREADS 8 /* of the table: workers that the budget holds, up to so many */

static const char *const models[] = {"photo-2x", "realesr-animevideov3-x4", "realcugan-2x-se-no-denoise", "realesrgan-x4plus"};
static const struct {
    int width, height;
} sizes[] = {{1024, 768}, {3840, 2160}, {30000, 20000}};
static const char *const budgets[] = {"256M", "8G", "16G", "24G", "32G", "64G"};

#define N_MODELS  ((int)G_N_ELEMENTS(models))
#define N_SIZES   ((int)G_N_ELEMENTS(sizes))
#define N_BUDGETS ((int)G_N_ELEMENTS(budgets))

typedef struct planned {
    tw_status status;
    tw_report report; /* numbers; the strings are gone with their job */
    char schedule[16];
    long long smallest_mib; /* of a refusal */
} planned;

static tw_session *session;
static char *pictures[N_SIZES];

/* --- pictures that are headers ------------------------------------------------------------------------------------ */

static void put(FILE *file, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        putc((int)(value >> 8 * i & 255), file);
}

static void put_entry(FILE *file, uint32_t tag, uint32_t type, uint32_t count, uint32_t value)
{
    put(file, tag, 2);
    put(file, type, 2);
    put(file, count, 4);
    put(file, value, 4);
}

/* Little-endian TIFF, 8-bit RGB, strips of 16 rows; the samples are never written. */
static void write_header(const char *path, uint32_t width, uint32_t height)
{
    enum { SHORT = 3, LONG = 4, ENTRIES = 10, DEPTHS = 8 + 2 + ENTRIES * 12 + 4 };
    uint32_t strips = (height + STRIP - 1) / STRIP, row = width * 3;
    uint32_t offsets = DEPTHS + 6, counts = offsets + 4 * strips, samples = counts + 4 * strips;
    FILE *file = fopen(path, "wb");
    g_assert_nonnull(file);
    fwrite("II*\0", 1, 4, file);
    put(file, 8, 4);
    put(file, ENTRIES, 2);
    put_entry(file, 256, LONG, 1, width);
    put_entry(file, 257, LONG, 1, height);
    put_entry(file, 258, SHORT, 3, DEPTHS);
    put_entry(file, 259, SHORT, 1, 1); /* not compressed */
    put_entry(file, 262, SHORT, 1, 2); /* RGB */
    put_entry(file, 273, LONG, strips, offsets);
    put_entry(file, 277, SHORT, 1, 3);
    put_entry(file, 278, LONG, 1, STRIP);
    put_entry(file, 279, LONG, strips, counts);
    put_entry(file, 284, SHORT, 1, 1);
    put(file, 0, 4);
    for (int i = 0; i < 3; i++)
        put(file, 8, 2);
    for (uint32_t i = 0; i < strips; i++)
        put(file, samples + i * STRIP * row, 4);
    for (uint32_t i = 0; i < strips; i++)
        put(file, MIN(STRIP, height - i * STRIP) * row, 4);
    g_assert_cmpint(fflush(file), ==, 0);
    g_assert_cmpint(ftruncate(fileno(file), (off_t)samples + (off_t)height * row), ==, 0);
    g_assert_cmpint(fclose(file), ==, 0);
}

/* --- plans -------------------------------------------------------------------------------------------------------- */

static planned plan(int model, int size, const char *memory, int threads)
{
    char number[8];
    g_snprintf(number, sizeof number, "%d", threads);
    setting settings[] = {{"model", models[model]}, {"memory", memory}, {"threads", number}, {0}};
    char *output = in_folder("never.tif");
    tw_job *job = upscale_job(session, pictures[size], output, settings);
    tw_error err = TW_ERROR_NONE;
    planned p = {.status = tw_job_plan(job, &err)};
    if (p.status == TW_OK) {
        p.report = *tw_job_report(job);
        g_strlcpy(p.schedule, p.report.schedule, sizeof p.schedule);
    } else {
        assert_fails(p.status, TW_ERROR_BUDGET, err, "the smallest that would do is ");
        p.smallest_mib = strtoll(strstr(err.message, "would do is ") + strlen("would do is "), NULL, 10);
        g_assert_nonnull(g_strrstr(err.message, "M"));
    }
    tw_job_free(job);
    g_assert_false(exists(output));
    g_free(output);
    return p;
}

static planned plan_mib(int model, int size, long long mib)
{
    char memory[32];
    g_snprintf(memory, sizeof memory, "%lldM", mib);
    return plan(model, size, memory, THREADS);
}

/* Speeds as a run would have noted them, `rate` multiply-accumulates a second for every model. */
static void pretend_speed(const char *rate)
{
    char *folder = in_folder("cache/tilewright"), *file = g_build_filename(folder, "speed.ini", NULL);
    static const char *const schedules[] = {"carry", "halo", "whole"};
    GString *text = g_string_new(NULL);
    g_mkdir_with_parents(folder, 0700);
    for (int i = 0; i < 3 * N_MODELS; i++) {
        int m = i % N_MODELS;
        if (m == 0)
            g_string_append_printf(text, "[auto %s]\n", schedules[i / N_MODELS]);
        tw_error err = TW_ERROR_NONE;
        char *json = NULL;
        assert_ok(tw_models_info(models[m], &json, &err), err);
        const char *hash = strstr(json, "\"sha256\":\"");
        g_assert_nonnull(hash);
        g_string_append_printf(text, "%.64s=%s\n", hash + strlen("\"sha256\":\""), rate);
        tw_bytes_free(json);
    }
    g_assert_true(g_file_set_contents(file, text->str, -1, NULL));
    g_string_free(text, TRUE);
    g_free(file);
    g_free(folder);
}

static void assert_same_tile(const planned *a, const planned *b)
{
    g_assert_cmpint(a->status, ==, b->status);
    g_assert_cmpint(a->report.tile[0], ==, b->report.tile[0]);
    g_assert_cmpint(a->report.tile[1], ==, b->report.tile[1]);
    g_assert_cmpint(a->report.tiles, ==, b->report.tiles);
    g_assert_cmpstr(a->schedule, ==, b->schedule);
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

/* "512x384 · 2 · 34.0 GiB": core of a tile, workers, planned peak. Or what a refusal asks for. */
static char *cell(const planned *p)
{
    if (p->status != TW_OK)
        return g_strdup_printf("refused: %lldM", p->smallest_mib);
    double mib = (double)p->report.planned_peak_bytes / (double)MIB;
    const char *shape = strcmp(p->schedule, "whole") == 0 ? "whole, " : "";
    return mib < 1024 ? g_strdup_printf("%s%dx%d, %d, %.0fM", shape, (int)p->report.tile[0], (int)p->report.tile[1],
                                        (int)p->report.workers, mib)
                      : g_strdup_printf("%s%dx%d, %d, %.1fG", shape, (int)p->report.tile[0], (int)p->report.tile[1],
                                        (int)p->report.workers, mib / 1024);
}

static char *table_line(int model, int size, const planned row[N_BUDGETS])
{
    GString *line = g_string_new(NULL);
    g_string_append_printf(line, "| %s | %dx%d |", models[model], sizes[size].width, sizes[size].height);
    for (int b = 0; b < N_BUDGETS; b++) {
        char *text = cell(&row[b]);
        g_string_append_printf(line, " %s |", text);
        g_free(text);
    }
    return g_string_free(line, FALSE);
}

static void print_markdown(void)
{
    printf("| model | picture |");
    for (int b = 0; b < N_BUDGETS; b++)
        printf(" %s |", budgets[b]);
    printf("\n|---|---|");
    for (int b = 0; b < N_BUDGETS; b++)
        printf("---|");
    printf("\n");
    for (int m = 0; m < N_MODELS; m++)
        for (int s = 0; s < N_SIZES; s++) {
            planned row[N_BUDGETS];
            for (int b = 0; b < N_BUDGETS; b++)
                row[b] = plan(m, s, budgets[b], THREADS);
            char *line = table_line(m, s, row);
            printf("%s\n", line);
            g_free(line);
        }
}

/* --- rules -------------------------------------------------------------------------------------------------------- */

static void check_row(int model, int size)
{
    planned row[N_BUDGETS];
    double before = INFINITY;
    for (int b = 0; b < N_BUDGETS; b++) {
        row[b] = plan(model, size, budgets[b], THREADS);
        if (row[b].status != TW_OK) {
            g_assert_true(isinf(before)); /* what a budget holds, a larger one does */
            continue;
        }
        const tw_report *r = &row[b].report;
        g_assert_cmpint(r->planned_peak_bytes, <=, r->budget_bytes);
        g_assert_cmpint(r->workers, >=, 1);
        g_assert_cmpint(r->workers, <=, THREADS);
        /* only weights that would not fit as fast convolutions want them cost exactness, and that is said */
        g_assert_cmpfloat(r->error_bound, <=, r->exact ? 0.01 : 0.02);
        g_assert_true(r->exact || strstr(models[model], "x4plus"));
        /* The tile is chosen for two workers, whatever their number then is. Ties within a thousandth go to the smaller peak. */
        double seconds = r->planned_seconds * r->workers / MIN(r->workers, 2);
        g_assert_cmpfloat(seconds, >, 0);
        if (seconds > before * 1.002)
            g_error("%s %dx%d: %.1f s with %s, %.1f s with less", models[model], sizes[size].width, sizes[size].height, seconds,
                    budgets[b], before);
        before = seconds;
    }
    char *line = table_line(model, size, row);
    g_test_message("%s", line);
    g_free(line);
}

/* The budget that a refusal names does, and one MiB less does not. */
static void check_refusal(int model, int size)
{
    planned refused = plan_mib(model, size, 1);
    g_assert_cmpint(refused.status, ==, TW_ERROR_BUDGET);
    g_assert_cmpint(refused.smallest_mib, >, 1);
    g_assert_cmpint(plan_mib(model, size, refused.smallest_mib).status, ==, TW_OK);
    planned less = plan_mib(model, size, refused.smallest_mib - 1);
    g_assert_cmpint(less.status, ==, TW_ERROR_BUDGET);
    g_assert_cmpint(less.smallest_mib, ==, refused.smallest_mib);
}

static void check_model(const void *data)
{
    int model = GPOINTER_TO_INT(data);
    for (int s = 0; s < N_SIZES; s++) {
        check_row(model, s);
        check_refusal(model, s);
    }
}

/* Threads decide how many workers there are, timings what is predicted; neither the tile. */
static void check_tile(const void *data)
{
    int model = GPOINTER_TO_INT(data);
    const char *memory = model == 3 ? "24G" : "8G";
    planned reference = plan(model, 1, memory, THREADS);
    g_assert_cmpint(reference.status, ==, TW_OK);
    for (int threads = 1; threads <= 2; threads++) {
        planned other = plan(model, 1, memory, threads);
        g_assert_cmpint(other.report.workers, <=, threads);
        assert_same_tile(&reference, &other);
    }
    pretend_speed("3e6");
    planned slow = plan(model, 1, memory, THREADS);
    pretend_speed("1e9");
    g_assert_cmpfloat(slow.report.planned_seconds, >, 300 * reference.report.planned_seconds);
    assert_same_tile(&reference, &slow);
}

int main(int argc, char **argv)
{
    const char *folder = g_getenv("TILEWRIGHT_TEST_MODELS");
    bool markdown = argc > 1 && strcmp(argv[1], "--markdown") == 0;
    tw_error err = TW_ERROR_NONE;
    if (VIPS_INIT(argv[0]))
        return 99;
    if (!folder) {
        fprintf(stderr, "TILEWRIGHT_TEST_MODELS must name its folder (make test sets it)\n");
        return 99;
    }
    if (!markdown)
        g_test_init(&argc, &argv, NULL);
    folder_open();
    g_setenv("TILEWRIGHT_MODELS", folder, TRUE);
    assert_ok(tw_session_new(&session, &err), err);
    for (int s = 0; s < N_SIZES; s++) {
        char name[16];
        g_snprintf(name, sizeof name, "%d.tif", s);
        pictures[s] = in_folder(name);
        write_header(pictures[s], (uint32_t)sizes[s].width, (uint32_t)sizes[s].height);
    }
    pretend_speed("1e9");
    int status = 0;
    if (markdown) {
        print_markdown();
    } else {
        for (int m = 0; m < N_MODELS; m++) {
            char *name = g_strconcat("/plan/table/", models[m], NULL);
            g_test_add_data_func(name, GINT_TO_POINTER(m), check_model);
            g_free(name);
            name = g_strconcat("/plan/tile/", models[m], NULL);
            g_test_add_data_func(name, GINT_TO_POINTER(m), check_tile);
            g_free(name);
        }
        status = g_test_run();
    }
    for (int s = 0; s < N_SIZES; s++)
        g_free(pictures[s]);
    tw_session_free(session);
    folder_close();
    return status;
}
