/* SPDX-License-Identifier: MIT */
/** Waiting that notices cancellation, which comes from signal handlers and can wake nobody. */
#ifndef TW_BASE_WAIT_H
#define TW_BASE_WAIT_H

#include <pthread.h>

/** A condition for tw_wait_briefly: on the monotonic clock, so that setting the time of day disturbs nothing. */
void tw_condition_init(pthread_cond_t *condition);

/** Waits for the condition, a tenth of a second at most; the caller holds `lock` and looks at its flags again afterwards. */
void tw_wait_briefly(pthread_cond_t *condition, pthread_mutex_t *lock);

/** Seconds of the monotonic clock. */
double tw_seconds_now(void);

#endif
