/* SPDX-License-Identifier: MIT */
#include "engine/kept.h"

#include <glib.h>
#include <stdatomic.h>
#include <string.h>

#include "engine/kept_step.h"

/* One worker's room. */
typedef struct room {
    tw_kept_step step;
    float *old_rows;  /* of a record that lies in scratch */
    float *next_rows; /* one record */
    float *next_columns;
} room;

struct tw_kept {
    const tw_carry_walk *walk;
    int slots, workers;
    int64_t *at;    /* per column of the walk: where its record begins, in floats; one more: the end */
    float *records; /* NULL: in scratch */
    tw_scratch_file *file;
    float **columns; /* per slot */
    room *rooms;
    atomic_int *pack; /* per kept blob, 0: not known yet */
};

static const int64_t real = (int64_t)sizeof(float);

tw_kept_cost tw_kept_cost_of(const tw_carry_walk *walk, bool spilled)
{
    int64_t largest, sum, columns = tw_carry_column_floats(walk) * real + 64;
    tw_carry_rows_floats(walk, &largest, &sum);
    tw_kept_cost cost = {.records = sum * real, .columns = columns};
    cost.worker = columns + (spilled ? 2 : 1) * (largest * real + 64) + walk->n_kept * (int64_t)sizeof(tw_kept_blob);
    return cost;
}

static float *take(tw_account *account, int64_t floats)
{
    return tw_alloc(account, (size_t)(tw_max64(floats, 1) * real));
}

static tw_status take_all(tw_kept *kept, tw_account *account, tw_scratch *scratch, tw_error *err)
{
    int64_t largest, sum, columns = tw_carry_column_floats(kept->walk);
    tw_carry_rows_floats(kept->walk, &largest, &sum);
    if (scratch)
        TW_TRY(tw_scratch_open(scratch, tw_max64(sum, 1) * real, &kept->file, err));
    else if (!(kept->records = take(account, sum)))
        return tw_fail_memory(err, "kept rows", sum * real);
    for (int i = 0; i < kept->slots; i++)
        if (!(kept->columns[i] = take(account, columns)))
            return tw_fail_memory(err, "kept columns", columns * real);
    for (int i = 0; i < kept->workers; i++) {
        room *r = &kept->rooms[i];
        r->step.blobs = g_new0(tw_kept_blob, kept->walk->n_kept + 1);
        r->next_rows = take(account, largest);
        r->next_columns = take(account, columns);
        r->old_rows = scratch ? take(account, largest) : NULL;
        if (!r->next_rows || !r->next_columns || (scratch && !r->old_rows))
            return tw_fail_memory(err, "rows and columns to keep", (largest + columns) * real);
    }
    return TW_OK;
}

tw_status tw_kept_new(const tw_carry_walk *walk, int slots, int workers, tw_account *account, tw_scratch *scratch,
                      tw_kept **out, tw_error *err)
{
    tw_kept *kept = g_new0(tw_kept, 1);
    kept->walk = walk;
    kept->slots = slots;
    kept->workers = workers;
    kept->columns = g_new0(float *, slots);
    kept->rooms = g_new0(room, workers);
    kept->pack = g_new0(atomic_int, walk->n_kept + 1);
    kept->at = g_new0(int64_t, walk->steps[0] + 1);
    for (int64_t i = 0; i < walk->steps[0]; i++)
        kept->at[i + 1] = kept->at[i] + tw_carry_row_floats(walk, i);
    tw_status status = take_all(kept, account, scratch, err);
    if (status != TW_OK) {
        tw_kept_free(kept);
        kept = NULL;
    }
    *out = kept;
    return status;
}

void tw_kept_free(tw_kept *kept)
{
    if (!kept)
        return;
    for (int i = 0; i < kept->slots; i++)
        tw_free(kept->columns[i]);
    for (int i = 0; i < kept->workers; i++) {
        g_free(kept->rooms[i].step.blobs);
        tw_free(kept->rooms[i].old_rows);
        tw_free(kept->rooms[i].next_rows);
        tw_free(kept->rooms[i].next_columns);
    }
    tw_free(kept->records);
    tw_scratch_close(kept->file);
    g_free(kept->columns);
    g_free(kept->rooms);
    g_free(kept->pack);
    g_free(kept->at);
    g_free(kept);
}

const tw_carry_walk *tw_kept_walk(const tw_kept *kept)
{
    return kept->walk;
}

bool tw_kept_pack(tw_kept *kept, int k, int pack)
{
    int known = 0;
    return atomic_compare_exchange_strong(&kept->pack[k], &known, pack) || known == pack;
}

int tw_kept_pack_of(const tw_kept *kept, int k)
{
    return atomic_load(&kept->pack[k]);
}

bool tw_kept_makes(const tw_kept_step *step, int blob)
{
    tw_span x = tw_carry_new(step->walk, blob, 0, step->column), y = tw_carry_new(step->walk, blob, 1, step->row);
    return !tw_span_empty(x) && !tw_span_empty(y);
}

/* Old rows: [new x) by [kept y); old columns: [kept x) by [kept y and new y). `floats`: where each lies in its store. */
static tw_status lay_blob(room *r, int k, const float *rows, const float *columns, int64_t floats[4], tw_error *err)
{
    const tw_carry_walk *walk = r->step.walk;
    const tw_carry_kept *kept = &walk->kept[k];
    int64_t column = r->step.column, row = r->step.row;
    tw_span x = tw_carry_kept_span(walk, k, 0, column), y = tw_carry_kept_span(walk, k, 1, row);
    tw_kept_blob *b = &r->step.blobs[k];
    *b = (tw_kept_blob){.new_x = tw_carry_new(walk, kept->blob, 0, column), .new_y = tw_carry_new(walk, kept->blob, 1, row)};
    b->keep_x = tw_carry_kept_span(walk, k, 0, column + 1);
    b->keep_y = tw_carry_kept_span(walk, k, 1, row + 1);
    tw_span height = {y.lo, b->new_y.hi};
    b->rows = (tw_block){b->new_x, y, rows + floats[0], 0};
    b->columns = (tw_block){x, height, columns + floats[1], 0};
    b->next_rows = r->next_rows + floats[2];
    b->next_columns = r->next_columns + floats[3];
    floats[0] += tw_span_length(b->new_x) * kept->keep[1] * kept->channels;
    floats[2] = floats[0];
    floats[1] += tw_span_length(x) * tw_span_length(height) * kept->channels;
    floats[3] += tw_span_length(b->keep_x) * tw_span_length(height) * kept->channels;
    bool fits = tw_span_length(y) <= kept->keep[1] && tw_span_length(b->keep_y) <= kept->keep[1] &&
                tw_span_length(x) <= kept->keep[0] && tw_span_length(b->keep_x) <= kept->keep[0];
    return fits ? TW_OK : tw_fail(err, TW_ERROR_RUN, "more of a blob has to be kept than was planned");
}

tw_status tw_kept_begin(tw_kept *kept, int worker, int64_t column, int64_t row, tw_kept_step **out, tw_error *err)
{
    room *r = &kept->rooms[worker];
    int64_t floats[4] = {0}, size = kept->at[column + 1] - kept->at[column];
    const float *rows = kept->records ? kept->records + kept->at[column] : r->old_rows;
    tw_kept_blob *blobs = r->step.blobs;
    r->step = (tw_kept_step){kept->walk, column, row, blobs, kept};
    *out = &r->step;
    if (kept->file && row > 0)
        TW_TRY(tw_scratch_read(kept->file, r->old_rows, size * real, kept->at[column] * real, err));
    for (int k = 0; k < kept->walk->n_kept; k++)
        TW_TRY(lay_blob(r, k, rows, kept->columns[row % kept->slots], floats, err));
    return TW_OK;
}

tw_status tw_kept_commit(tw_kept *kept, int worker, tw_error *err)
{
    room *r = &kept->rooms[worker];
    int64_t at = kept->at[r->step.column], size = kept->at[r->step.column + 1] - at;
    float **slot = &kept->columns[r->step.row % kept->slots], *columns = *slot;
    if (kept->file)
        TW_TRY(tw_scratch_write(kept->file, r->next_rows, size * real, at * real, err));
    else
        memcpy(kept->records + at, r->next_rows, (size_t)(size * real));
    *slot = r->next_columns;
    r->next_columns = columns;
    return TW_OK;
}
