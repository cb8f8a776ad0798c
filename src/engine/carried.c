/* SPDX-License-Identifier: MIT */
/* While the pipeline fills, the layers behind have nothing new; while it runs empty, those in front. Neither are run. */
#include "engine/carried.h"

#include "engine/window.h"

static const tw_layer *layer_of(const tw_kept_step *step, int window)
{
    const tw_carry *carry = step->walk->carry;
    return &carry->net->layers[carry->layer_of[window]];
}

static const char *blob_name(const tw_kept_step *step, int blob)
{
    return step->walk->carry->net->blobs[blob].name;
}

static int put_dummy(ncnn_extractor_t extractor, const char *name)
{
    static float nothing[4];
    ncnn_mat_t mat = ncnn_mat_create_external_3d(1, 1, 1, nothing, NULL);
    int code = ncnn_extractor_input(extractor, name, mat);
    ncnn_mat_destroy(mat);
    return code;
}

tw_convolutions *tw_carried_register(ncnn_net_t net)
{
    tw_convolutions *convolutions = tw_convolutions_new();
    tw_window_register(net);
    tw_convolution_register(net);
    tw_convolution_enter(convolutions, NULL);
    return convolutions;
}

void tw_carried_enter(tw_convolutions *convolutions, tw_kept_step *step, ncnn_allocator_t blobs, ncnn_allocator_t workspace)
{
    tw_window_enter(step, blobs);
    tw_convolution_enter(convolutions, workspace);
}

void tw_carried_leave(void)
{
    tw_window_enter(NULL, NULL);
    tw_convolution_enter(NULL, NULL);
}

int tw_carried_input(ncnn_extractor_t extractor, const tw_kept_step *step)
{
    const tw_carry *carry = step->walk->carry;
    for (int i = 0; i < carry->n_windows; i++) {
        const tw_carry_window *w = &carry->windows[i];
        if (!step->walk->active[i] || w->cuts || !tw_kept_makes(step, w->out) || tw_kept_makes(step, w->blob))
            continue;
        int code = put_dummy(extractor, blob_name(step, layer_of(step, i)->inputs[0]));
        if (code)
            return code;
    }
    return 0;
}

int tw_carried_finish(ncnn_extractor_t extractor, tw_kept_step *step)
{
    const tw_carry *carry = step->walk->carry;
    for (int i = carry->n_windows - 1; i >= 0; i--) { /* from behind: what is run for one is not run again for another */
        const tw_carry_window *w = &carry->windows[i];
        if (!step->walk->active[i] || w->cuts || !tw_kept_makes(step, w->blob) ||
            step->blobs[step->walk->kept_of[w->blob]].done)
            continue;
        ncnn_mat_t mat = NULL;
        int code = ncnn_extractor_extract(extractor, blob_name(step, layer_of(step, i)->outputs[0]), &mat);
        if (mat)
            ncnn_mat_destroy(mat);
        if (code)
            return code;
    }
    return tw_window_keep_rest(step) ? 0 : -1;
}
