/* SPDX-License-Identifier: MIT */
/** What ncnn writes to stderr: in the copy of ncnn that is linked, the symbol `stderr` is renamed (meson.build), so that a
 *  program's stderr stays its own. The last line is kept, per thread, for error messages. */
#ifndef TW_ENGINE_LOG_H
#define TW_ENGINE_LOG_H

#ifdef __cplusplus
extern "C" {
#endif

/** ncnn's last line in this thread since the last tw_log_clear, "" where it was silent. */
const char *tw_log_last(void);
void tw_log_clear(void);

#ifdef __cplusplus
}
#endif
#endif
