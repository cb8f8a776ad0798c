/* SPDX-License-Identifier: MIT */
/** Status codes and the error value. Every fallible call returns a tw_status and fills a tw_error the caller owns. */
#ifndef TILEWRIGHT_ERROR_H
#define TILEWRIGHT_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define TW_API __attribute__((visibility("default")))
#else
#define TW_API
#endif

/** What happened. The numbers are stable and are the exit codes of the command. */
typedef enum tw_status {
    TW_OK = 0,
    TW_ERROR_RUN = 1,           /**< failed while running: unwritable output, full disk, engine error */
    TW_ERROR_USAGE = 2,         /**< unknown option, unknown model, container that cannot hold the result */
    TW_ERROR_INPUT = 3,         /**< input missing, truncated, refused; malformed model or field */
    TW_ERROR_BUDGET = 4,        /**< the memory budget or the scratch limit cannot hold the work */
    TW_ERROR_DEVICE = 5,        /**< no such device, or the device failed */
    TW_ERROR_INTERRUPTED = 130, /**< cancelled; partial output removed */
} tw_status;

/** An error as a value. Zero it (TW_ERROR_NONE) before use; the first failure written into it stays.
 *  `message` is one line of UTF-8 that names the file and the number at fault. Not shared between threads. */
typedef struct tw_error {
    tw_status code;
    char message[1020];
} tw_error;

#define TW_ERROR_NONE                                                                                                          \
    {                                                                                                                          \
        TW_OK,                                                                                                                 \
        {                                                                                                                      \
            0                                                                                                                  \
        }                                                                                                                      \
    }

#ifdef __cplusplus
}
#endif
#endif
