/* SPDX-License-Identifier: MIT */
/** SIGINT and SIGTERM of a program: the first one is told, a second one ends the process at once with TW_ERROR_INTERRUPTED. */
#ifndef TW_BASE_SIGNALS_H
#define TW_BASE_SIGNALS_H

/** Blocks both signals in the calling thread and in those that it starts later: call it before any other thread exists. A thread of its
 *  own waits for them as long as the process lives, so `first` may take locks, and `user` must stay. 0, or an errno value: then the
 *  signals are as they were. */
int tw_signals_start(void (*first)(void *user), void *user);

#endif
