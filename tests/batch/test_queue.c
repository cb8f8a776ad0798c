/* SPDX-License-Identifier: MIT */
/** The queue of jobs: order, memory, cancelling, and that every job ends in exactly one call. */
#include "job.h"
#include "unit/job_fixture.h"

#define MIB (INT64_C(1) << 20)

typedef struct watch {
    tw_queue *queue;
    atomic_int planned, started, ended, order;
    int place; /* of the end */
    tw_status code;
    char message[256];
    struct watch *all; /* whose `order` counts ends */
} watch;

static void on_planned(void *user, tw_job *job)
{
    watch *w = user;
    g_assert_cmpint(tw_job_report(job)->planned_peak_bytes, >, 0);
    atomic_fetch_add(&w->planned, 1);
}

static void on_started(void *user, tw_job *job)
{
    watch *w = user;
    atomic_fetch_add(&w->started, 1);
}

static void on_ended(void *user, tw_job *job, const tw_error *error)
{
    watch *w = user;
    g_assert_cmpint(atomic_fetch_add(&w->ended, 1), ==, 0);
    w->place = atomic_fetch_add(&w->all->order, 1);
    w->code = error->code;
    g_strlcpy(w->message, error->message, sizeof w->message);
    tw_job_free(job);
}

static tw_session *new_session(void)
{
    tw_error err = TW_ERROR_NONE;
    tw_session *session = NULL;
    assert_ok(tw_session_new(&session, &err), err);
    return session;
}

static tw_queue *new_queue(tw_session *session, const char *memory, int most)
{
    tw_error err = TW_ERROR_NONE;
    tw_queue *queue = NULL;
    tw_queue_settings settings = {.size = sizeof settings, .memory = memory, .most_running = most};
    assert_ok(tw_queue_new(session, &settings, &queue, &err), err);
    return queue;
}

static int64_t add(tw_queue *queue, tw_job *job, int priority, watch *w, watch *all)
{
    tw_error err = TW_ERROR_NONE;
    int64_t ticket = 0;
    tw_queue_events events = {w, on_planned, on_started, on_ended};
    w->queue = queue;
    w->all = all;
    assert_ok(tw_queue_add(queue, job, priority, &events, &ticket, &err), err);
    return ticket;
}

static const setting slow_engine[] = {{"model", "slow"}, {"overwrite", "true"}, {"tile", "16"}, {"threads", "1"}, {NULL, NULL}};

static void test_order(void)
{
    static const int priorities[] = {0, -1, 5, 0, 5, 0}, expected[] = {0, 5, 1, 3, 2, 4};
    counter c = {.scale = 1, .pause_ms = 10};
    tw_session *session = new_session();
    add_counter(session, "slow", &c, true);
    tw_queue *queue = new_queue(session, NULL, 1);
    watch all = {0}, w[6] = {{0}};
    char *input = make_picture("order.png", 64, 64, 3), *output = in_folder("order-out.png");
    int64_t tickets[6];
    for (int i = 0; i < 6; i++) {
        tickets[i] = add(queue, upscale_job(session, input, output, slow_engine), priorities[i], &w[i], &all);
        while (i == 0 && !atomic_load(&w[0].started))
            sleep_ms(1);
    }
    g_assert_cmpint(tw_queue_place(queue, tickets[0]), ==, 0);
    g_assert_cmpint(tw_queue_place(queue, tickets[2]), ==, 1);
    g_assert_cmpint(tw_queue_place(queue, tickets[1]), ==, 5);
    g_assert_cmpint(tw_queue_place(queue, 99), ==, -1);
    tw_queue_wait(queue);
    for (int i = 0; i < 6; i++) {
        g_assert_cmpint(w[i].code, ==, TW_OK);
        g_assert_cmpint(w[i].place, ==, expected[i]);
        g_assert_cmpint(tw_queue_place(queue, tickets[i]), ==, -1);
    }
    g_assert_cmpint(c.most_inside, ==, 1);
    tw_queue_free(queue);
    tw_session_free(session);
    g_free(input);
    g_free(output);
}

/* As many at a time as their plans fit the budget, no more; a smaller budget while they wait counts. */
static void test_room(void)
{
    counter c = {.scale = 1, .pause_ms = 30};
    tw_session *session = new_session();
    add_counter(session, "slow", &c, true);
    char *input = make_picture("room.png", 96, 64, 3), *output = in_folder("room-out.png");
    tw_job *one = upscale_job(session, input, output, slow_engine);
    tw_error err = TW_ERROR_NONE;
    assert_ok(tw_job_plan(one, &err), err);
    int64_t own = tw_job_report(one)->planned_peak_bytes - TW_BASE_BYTES;
    tw_job_free(one);
    for (int fit = 2; fit <= 4; fit += 2) {
        char memory[32];
        g_snprintf(memory, sizeof memory, "%lld", (long long)(TW_BASE_BYTES + fit * own + own / 2));
        tw_queue *queue = new_queue(session, memory, 8);
        watch all = {0}, w[10] = {{0}};
        tw_queue_state state;
        one = upscale_job(session, input, output, slow_engine);
        assert_ok(tw_queue_plan(queue, one, &err), err);
        g_assert_cmpint(tw_queue_side_by_side(queue, one), ==, fit);
        tw_job_free(one);
        for (int i = 0; i < 10; i++)
            add(queue, upscale_job(session, input, output, slow_engine), 0, &w[i], &all);
        tw_queue_look(queue, &state);
        g_assert_cmpint(state.planned_bytes, <=, state.budget_bytes);
        tw_queue_wait(queue);
        g_assert_cmpint(atomic_exchange(&c.most_inside, 0), ==, fit); /* one worker each */
        tw_queue_look(queue, &state);
        g_assert_cmpint(state.planned_bytes, ==, TW_BASE_BYTES);
        g_assert_cmpint(state.waiting + state.running, ==, 0);
        tw_queue_free(queue);
    }
    tw_session_free(session);
    g_free(input);
    g_free(output);
}

/* Each job is planned with its share of what they may take, or with all where its tile does not fit that. */
static void test_shares(void)
{
    tw_session *session = new_session();
    char *input = make_picture("shares.png", 600, 400, 3), *output = in_folder("shares-out.png");
    static const setting settings_of[] = {{"memory", "100%"}, {NULL, NULL}}, large[] = {{"tile", "600x400"}, {NULL, NULL}};
    for (int shares = 0; shares <= 8; shares += 4) {
        tw_error err = TW_ERROR_NONE;
        tw_queue *queue = NULL;
        tw_queue_settings settings = {.size = sizeof settings, .memory = "700M", .held_bytes = 10 * MIB, .shares = shares};
        settings.most_running = 64;
        assert_ok(tw_queue_new(session, &settings, &queue, &err), err);
        int64_t all = 690 * MIB, share = TW_BASE_BYTES + (all - TW_BASE_BYTES) / (shares > 0 ? shares : 2);
        tw_job *job = upscale_job(session, input, output, settings_of);
        assert_ok(tw_queue_plan(queue, job, &err), err);
        g_assert_cmpint(tw_job_report(job)->budget_bytes, ==, share);
        g_assert_cmpint(tw_queue_side_by_side(queue, job), >=, shares > 0 ? shares : 2);
        tw_job_free(job);
        job = upscale_job(session, input, output, large);
        assert_ok(tw_queue_plan(queue, job, &err), err);
        g_assert_cmpint(tw_job_report(job)->budget_bytes, ==, tw_job_report(job)->planned_peak_bytes > share ? all : share);
        g_assert_true(shares < 8 || tw_job_report(job)->budget_bytes == all);
        tw_job_free(job);
        tw_queue_free(queue);
    }
    tw_session_free(session);
    g_free(input);
    g_free(output);
}

/* What can never fit is refused in its turn; nothing smaller overtakes what waits for memory. */
static void test_never(void)
{
    tw_session *session = new_session();
    tw_queue *queue = new_queue(session, "100M", 4);
    watch all = {0}, w[3] = {{0}};
    char *input = make_picture("never.png", 400, 300, 3), *output = in_folder("never.webp"),
         *small = in_folder("small-out.png");
    const setting huge[] = {{"scale", "30"}, {NULL, NULL}}, overwrite[] = {{"overwrite", "true"}, {NULL, NULL}};
    add(queue, upscale_job(session, input, output, huge), 0, &w[0], &all);
    add(queue, upscale_job(session, input, small, overwrite), 0, &w[1], &all);
    tw_queue_wait(queue);
    g_assert_cmpint(w[0].code, ==, TW_ERROR_BUDGET);
    g_assert_nonnull(strstr(w[0].message, "the smallest that would do"));
    g_assert_cmpint(w[0].planned + w[0].started, ==, 0);
    g_assert_cmpint(w[1].code, ==, TW_OK);
    tw_error err = TW_ERROR_NONE;
    g_assert_cmpint(tw_queue_set_memory(queue, "10M", &err), ==, TW_ERROR_BUDGET);
    err = (tw_error)TW_ERROR_NONE;
    g_assert_cmpint(tw_queue_set_memory(queue, "much", &err), ==, TW_ERROR_USAGE);
    err = (tw_error)TW_ERROR_NONE;
    assert_ok(tw_queue_set_memory(queue, "50M", &err), err);
    add(queue, upscale_job(session, input, small, overwrite), 0, &w[2], &all);
    tw_queue_wait(queue);
    g_assert_cmpint(w[2].code, ==, TW_ERROR_BUDGET);
    tw_queue_free(queue);
    tw_session_free(session);
    g_free(input);
    g_free(output);
    g_free(small);
}

static void test_cancel(void)
{
    counter c = {.scale = 1, .pause_ms = 30};
    tw_session *session = new_session();
    add_counter(session, "slow", &c, true);
    tw_queue *queue = new_queue(session, NULL, 1);
    watch all = {0}, w[3] = {{0}};
    char *input = make_picture("cancel.png", 200, 200, 3), *output = in_folder("cancel-out.png");
    int64_t tickets[3];
    for (int i = 0; i < 3; i++)
        tickets[i] = add(queue, upscale_job(session, input, output, slow_engine), 0, &w[i], &all);
    while (!atomic_load(&w[0].started))
        sleep_ms(1);
    g_assert_true(tw_queue_cancel(queue, tickets[1]));
    g_assert_cmpint(w[1].ended, ==, 1); /* in this very call: it had not begun */
    g_assert_cmpint(w[1].code, ==, TW_ERROR_INTERRUPTED);
    g_assert_false(tw_queue_cancel(queue, tickets[1]));
    g_assert_true(tw_queue_cancel(queue, tickets[0]));
    while (!atomic_load(&w[2].started))
        sleep_ms(1);
    g_assert_cmpint(w[0].code, ==, TW_ERROR_INTERRUPTED);
    tw_queue_free(queue); /* cancels what is left */
    g_assert_cmpint(w[2].ended, ==, 1);
    g_assert_cmpint(w[2].code, ==, TW_ERROR_INTERRUPTED);
    g_assert_false(exists(output));
    tw_session_free(session);
    g_free(input);
    g_free(output);
}

/* Many threads add and cancel; every job ends once, and nothing is left in the session's account. */
typedef struct crowd {
    tw_session *session;
    tw_queue *queue;
    const char *input;
    watch *w, *all;
    int first;
} crowd;

static void *add_some(void *user)
{
    crowd *c = user;
    for (int i = 0; i < 20; i++) {
        char name[32];
        g_snprintf(name, sizeof name, "crowd-%d.png", c->first + i);
        char *output = in_folder(name);
        const setting overwrite[] = {{"overwrite", "true"}, {NULL, NULL}};
        int64_t ticket = add(c->queue, upscale_job(c->session, c->input, output, overwrite), i % 3, &c->w[i], c->all);
        if (i % 4 == 3)
            tw_queue_cancel(c->queue, ticket);
        g_free(output);
    }
    return NULL;
}

static void test_crowd(void)
{
    tw_session *session = new_session();
    tw_queue *queue = new_queue(session, "200M", 4);
    watch all = {0}, w[80] = {{0}};
    char *input = make_picture("crowd.png", 40, 40, 3);
    crowd crowds[4];
    GThread *threads[4];
    for (int i = 0; i < 4; i++) {
        crowds[i] = (crowd){session, queue, input, &w[20 * i], &all, 20 * i};
        threads[i] = g_thread_new("crowd", add_some, &crowds[i]);
    }
    for (int i = 0; i < 4; i++)
        g_thread_join(threads[i]);
    tw_queue_wait(queue);
    for (int i = 0; i < 80; i++) {
        g_assert_cmpint(w[i].ended, ==, 1);
        g_assert_true(w[i].code == TW_OK || (w[i].code == TW_ERROR_INTERRUPTED && i % 4 == 3));
    }
    tw_queue_free(queue);
    tw_pool_close_idle(session->pool, NULL, INT64_MAX);
    g_assert_cmpint(tw_account_used(session->account), ==, 0);
    tw_session_free(session);
    g_free(input);
}

/* Weights of one model are counted once, are kept for the next job, and go where room is needed. */
static void test_weights(void)
{
    tw_session *session = new_session();
    watch all = {0}, w[4] = {{0}};
    char *input = make_picture("weights.png", 300, 200, 3), *output = in_folder("weights-out.png");
    const setting first[] = {{"model", "photo-2x"}, {"overwrite", "true"}, {NULL, NULL}};
    const setting second[] = {{"model", "restore-2x-high"}, {"overwrite", "true"}, {NULL, NULL}};
    tw_queue *queue = new_queue(session, "400M", 1);
    add(queue, upscale_job(session, input, output, first), 0, &w[0], &all);
    tw_queue_wait(queue);
    int64_t idle = tw_pool_idle_bytes(session->pool, NULL);
    g_assert_cmpint(idle, >, 0);
    add(queue, upscale_job(session, input, output, second), 0, &w[1], &all);
    tw_queue_wait(queue);
    g_assert_cmpint(tw_pool_idle_bytes(session->pool, NULL), >, idle); /* both: there is room */
    tw_job *job = upscale_job(session, input, output, first);
    tw_error err = TW_ERROR_NONE;
    assert_ok(tw_job_plan(job, &err), err);
    char memory[32];
    g_snprintf(memory, sizeof memory, "%lld", (long long)tw_job_report(job)->planned_peak_bytes + MIB);
    assert_ok(tw_queue_set_memory(queue, memory, &err), err);
    add(queue, job, 0, &w[2], &all);
    tw_queue_wait(queue);
    g_assert_cmpint(tw_pool_idle_bytes(session->pool, NULL), ==, idle); /* the other's had to go */
    for (int i = 0; i < 3; i++)
        g_assert_cmpint(w[i].code, ==, TW_OK);
    tw_queue_free(queue);
    tw_session_free(session);
    g_free(input);
    g_free(output);
}

/* A run that needs more than was granted says how much, and the queue runs it again with that. */
static void test_grant(void)
{
    tw_session *session = new_session();
    char *input = make_picture("grant.png", 300, 200, 3), *output = in_folder("grant-out.png");
    const setting overwrite[] = {{"overwrite", "true"}, {NULL, NULL}};
    tw_job *job = upscale_job(session, input, output, overwrite);
    tw_error err = TW_ERROR_NONE;
    assert_ok(tw_job_plan(job, &err), err);
    int64_t planned = tw_job_report(job)->planned_peak_bytes;
    job->granted = planned - 1;
    assert_fails(tw_job_run(job, &err), TW_ERROR_BUDGET, err, "needs");
    g_assert_cmpint(job->asked, ==, planned);
    g_assert_false(exists(output));
    job->granted = planned;
    err = (tw_error)TW_ERROR_NONE;
    assert_ok(tw_job_run(job, &err), err);
    g_assert_cmpint(job->asked, ==, 0);
    tw_job_free(job);
    /* Measured contexts change plans between the headers and the pixels. */
    const setting measured[] = {{"halo", "auto:0.5"}, {"schedule", "halo"}, {"overwrite", "true"}, {NULL, NULL}};
    tw_queue *queue = new_queue(session, "300M", 2);
    watch all = {0}, w[2] = {{0}};
    for (int i = 0; i < 2; i++)
        add(queue, upscale_job(session, input, output, measured), 0, &w[i], &all);
    tw_queue_wait(queue);
    g_assert_cmpint(w[0].code, ==, TW_OK);
    g_assert_cmpint(w[1].code, ==, TW_OK);
    tw_queue_free(queue);
    tw_session_free(session);
    g_free(input);
    g_free(output);
}

static void test_wrong(void)
{
    tw_session *session = new_session(), *other = new_session();
    tw_queue *queue = NULL;
    tw_error err = TW_ERROR_NONE;
    tw_queue_settings settings = {.size = 4};
    assert_fails(tw_queue_new(session, &settings, &queue, &err), TW_ERROR_USAGE, err, "version");
    settings = (tw_queue_settings){.size = sizeof settings, .shares = -1};
    err = (tw_error)TW_ERROR_NONE;
    assert_fails(tw_queue_new(session, &settings, &queue, &err), TW_ERROR_USAGE, err, "below 0");
    settings = (tw_queue_settings){.size = sizeof settings, .memory = "20M"};
    err = (tw_error)TW_ERROR_NONE;
    assert_fails(tw_queue_new(session, &settings, &queue, &err), TW_ERROR_BUDGET, err, "cannot hold a queue");
    settings.memory = "256M";
    settings.held_bytes = 300 * MIB;
    err = (tw_error)TW_ERROR_NONE;
    assert_fails(tw_queue_new(session, &settings, &queue, &err), TW_ERROR_BUDGET, err, "cannot hold a queue");
    queue = new_queue(session, NULL, 0);
    tw_job *job = NULL;
    tw_queue_events none = {0};
    err = (tw_error)TW_ERROR_NONE;
    assert_ok(tw_job_new(other, "compare", &job, &err), err);
    assert_fails(tw_queue_add(queue, job, 0, &none, NULL, &err), TW_ERROR_USAGE, err, "another session");
    tw_job_free(job);
    tw_queue_free(queue);
    tw_queue_free(NULL);
    tw_session_free(session);
    tw_session_free(other);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    folder_open();
    g_test_add_func("/queue/order", test_order);
    g_test_add_func("/queue/room", test_room);
    g_test_add_func("/queue/shares", test_shares);
    g_test_add_func("/queue/never", test_never);
    g_test_add_func("/queue/cancel", test_cancel);
    g_test_add_func("/queue/crowd", test_crowd);
    g_test_add_func("/queue/weights", test_weights);
    g_test_add_func("/queue/grant", test_grant);
    g_test_add_func("/queue/wrong", test_wrong);
    int code = g_test_run();
    folder_close();
    return code;
}
