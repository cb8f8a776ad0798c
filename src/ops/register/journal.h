/* SPDX-License-Identifier: MIT */
/** What --resume keeps beside the field's file while it is sought: the map after each round, in full precision, so that a run that was killed
 *  goes on after the last of them, with the bytes that it would have given. */
#ifndef TW_REGISTER_JOURNAL_H
#define TW_REGISTER_JOURNAL_H

#include "ops/register/state.h"

/** Names the journal and what its rounds depend on. TW_ERROR_USAGE where an input is no file. */
tw_status tw_journal_open(tw_op_state *state, const tw_op_request *request, tw_error *err);
/** Takes the map of a journal that is there, and its rounds off the passes; one of other pictures or options is only told by
 *  state->journal_strange. */
tw_status tw_journal_read(tw_op_state *state, tw_error *err);
/** After `rounds` of the rounds that open() laid. */
tw_status tw_journal_write(const tw_op_state *state, int rounds, tw_error *err);
void tw_journal_remove(const tw_op_state *state);

#endif
