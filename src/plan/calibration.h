/* SPDX-License-Identifier: MIT */
/** How fast this machine runs a model: multiply-accumulates per second of one worker, remembered between runs in the user's cache.
 *  Only predicts seconds; never chooses a tile. */
#ifndef TW_PLAN_CALIBRATION_H
#define TW_PLAN_CALIBRATION_H

/** 0 when unknown. `hash` may be NULL (then unknown). */
double tw_calibration_read(const char *hash, const char *device, const char *schedule);
/** Failure to write is not an error. */
void tw_calibration_write(const char *hash, const char *device, const char *schedule, double macs_per_second);

#endif
