// SPDX-License-Identifier: MIT
// Device memory of one worker: a block of the size that the plan foresaw, cut by best fit, more blocks where that is not enough;
// counted whole, capped. Commands are recorded long before they run, so blocks leave only between runs. A refusal is thrown through
// ncnn, which does not check each of its own allocations, and caught in tw_gpu_extract.
#include <algorithm>
#include <cstring>
#include <list>
#include <map>
#include <new>

#include <ncnn/allocator.h>
#include <ncnn/gpu.h>
#include <ncnn/layer.h>
#include <ncnn/net.h>

extern "C" {
#include "base/account.h"
#include "engine/arena.h"
}
#include "engine/gpu_run.h"

namespace
{

const size_t smallest_block = 4 << 20, block_step = 1 << 20;

size_t up_to(size_t n, size_t step)
{
    return (n + step - 1) / step * step;
}

// Host bytes, after the worker's idle host memory if need be.
struct Purse {
    tw_account *account;
    tw_arena *arena;

    bool take(size_t bytes)
    {
        if (tw_account_take(account, (int64_t)bytes))
            return true;
        tw_arena_trim(arena);
        return tw_account_take(account, (int64_t)bytes);
    }
    void give(size_t bytes) { tw_account_give(account, (int64_t)bytes); }
};

class DeviceArena : public ncnn::VkAllocator
{
  public:
    DeviceArena(const ncnn::VulkanDevice *device, Purse host, bool shared_, int64_t cap_)
        : VkAllocator(device), purse(host), shared(shared_), cap(cap_)
    {
        const VkPhysicalDeviceLimits &limits = device->info.physicalDeviceProperties().limits;
        // 256 is a multiple of every alignment in use; the memory is never mapped
        align = std::max<size_t>(device->info.buffer_offset_alignment(), 256);
        largest = limits.maxStorageBufferRange;
        mappable = false; // so that results come back through staging memory
        coherent = cached = false;
    }
    ~DeviceArena() override
    {
        while (!blocks.empty())
            release(blocks.begin());
    }

    // Between runs only.
    void reserve(int64_t bytes)
    {
        size_t size = up_to((size_t)bytes, block_step);
        if (!blocks.empty() && blocks.front().size >= size)
            return;
        while (!blocks.empty())
            release(blocks.begin());
        if (admit(size))
            allocate(size); // where the device has no such block, smaller ones are taken as they are needed
    }

    ncnn::VkBufferMemory *fastMalloc(size_t size) override
    {
        size_t need = up_to(size, align);
        if (need > largest)
            throw std::bad_alloc();
        for (int attempt = 0; attempt < 2; attempt++) {
            if (ncnn::VkBufferMemory *memory = cut(need))
                return memory;
            if (!grow(need))
                throw std::bad_alloc();
        }
        throw std::bad_alloc();
    }

    void fastFree(ncnn::VkBufferMemory *memory) override
    {
        used -= (int64_t)memory->capacity;
        for (Block &block : blocks) {
            if (block.buffer != memory->buffer)
                continue;
            auto spare = block.spare.emplace(memory->offset, memory->capacity).first;
            auto next = std::next(spare);
            if (next != block.spare.end() && spare->first + spare->second == next->first) {
                spare->second += next->second;
                block.spare.erase(next);
            }
            if (spare != block.spare.begin()) {
                auto before = std::prev(spare);
                if (before->first + before->second == spare->first) {
                    before->second += spare->second;
                    block.spare.erase(spare);
                }
            }
            break;
        }
        delete memory;
    }

    ncnn::VkImageMemory *fastMalloc(int, int, int, size_t, int) override { return nullptr; }
    void fastFree(ncnn::VkImageMemory *) override {}

    int64_t peak = 0, most_used = 0;

  private:
    struct Block {
        VkBuffer buffer;
        VkDeviceMemory memory;
        size_t size;
        std::map<size_t, size_t> spare; // offset -> bytes
    };
    typedef std::list<Block>::iterator BlockAt;

    // The smallest gap that holds it.
    ncnn::VkBufferMemory *cut(size_t need)
    {
        Block *best = nullptr;
        std::map<size_t, size_t>::iterator gap;
        for (Block &block : blocks)
            for (auto it = block.spare.begin(); it != block.spare.end(); ++it)
                if (it->second >= need && (!best || it->second < gap->second)) {
                    best = &block;
                    gap = it;
                }
        if (!best)
            return nullptr;
        auto *memory = new ncnn::VkBufferMemory;
        *memory = ncnn::VkBufferMemory();
        memory->buffer = best->buffer;
        memory->memory = best->memory;
        memory->offset = gap->first;
        memory->capacity = need;
        memory->memory_type_index = buffer_memory_type_index;
        memory->stage_flags = VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT;
        used += (int64_t)need;
        most_used = std::max(most_used, used);
        size_t offset = gap->first + need, rest = gap->second - need;
        best->spare.erase(gap);
        if (rest > 0)
            best->spare.emplace(offset, rest);
        return memory;
    }

    bool grow(size_t need)
    {
        size_t size = std::max(up_to(need, block_step), smallest_block);
        if (admit(size))
            return allocate(size);
        size = up_to(need, block_step);
        return admit(size) && allocate(size);
    }

    bool admit(size_t size)
    {
        if (cap > 0 && held + (int64_t)size > cap)
            return false;
        if (shared && !purse.take(size))
            return false;
        held += (int64_t)size;
        peak = std::max(peak, held);
        return true;
    }

    void dismiss(size_t size)
    {
        held -= (int64_t)size;
        if (shared)
            purse.give(size);
    }

    // `size` is counted already.
    bool allocate(size_t size)
    {
        VkDevice device = vkdev->vkdevice();
        Block block = {};
        block.size = size;
        block.buffer = create_buffer(size, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
                                               VK_BUFFER_USAGE_TRANSFER_DST_BIT);
        if (block.buffer) {
            VkMemoryRequirements want;
            ncnn::vkGetBufferMemoryRequirements(device, block.buffer, &want);
            if (buffer_memory_type_index == (uint32_t)-1)
                buffer_memory_type_index = vkdev->find_memory_index(want.memoryTypeBits, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, 0,
                                                                    VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT);
            block.memory = allocate_memory(want.size, buffer_memory_type_index);
        }
        if (block.memory && ncnn::vkBindBufferMemory(device, block.buffer, block.memory, 0) == VK_SUCCESS) {
            block.spare.emplace(0, size);
            blocks.push_back(block);
            return true;
        }
        if (block.buffer)
            ncnn::vkDestroyBuffer(device, block.buffer, 0);
        if (block.memory)
            ncnn::vkFreeMemory(device, block.memory, 0);
        dismiss(size);
        return false;
    }

    void release(BlockAt at)
    {
        ncnn::vkDestroyBuffer(vkdev->vkdevice(), at->buffer, 0);
        ncnn::vkFreeMemory(vkdev->vkdevice(), at->memory, 0);
        dismiss(at->size);
        blocks.erase(at);
    }

    Purse purse;
    bool shared;
    int64_t cap, held = 0, used = 0;
    size_t align, largest;
    std::list<Block> blocks;
};

class Staging : public ncnn::VkStagingAllocator
{
  public:
    Staging(const ncnn::VulkanDevice *device, Purse host) : VkStagingAllocator(device), purse(host)
    {
        set_size_compare_ratio(1.f); // a kept buffer serves its own size only, so that capacities are what was counted
    }

    ncnn::VkBufferMemory *fastMalloc(size_t size) override
    {
        if (!purse.take(size))
            throw std::bad_alloc();
        ncnn::VkBufferMemory *memory = VkStagingAllocator::fastMalloc(size);
        if (!memory) {
            purse.give(size);
            throw std::bad_alloc();
        }
        return memory;
    }

    void fastFree(ncnn::VkBufferMemory *memory) override
    {
        purse.give(memory->capacity);
        VkStagingAllocator::fastFree(memory);
    }

    ncnn::VkImageMemory *fastMalloc(int, int, int, size_t, int) override { return nullptr; }
    void fastFree(ncnn::VkImageMemory *) override {}

  private:
    Purse purse;
};

ncnn::Net *net_of(ncnn_net_t net)
{
    return (ncnn::Net *)net->pthis;
}

} // namespace

struct tw_gpu_worker {
    DeviceArena device;
    Staging staging;

    tw_gpu_worker(const ncnn::VulkanDevice *vkdev, Purse host, bool shared, int64_t cap)
        : device(vkdev, host, shared, cap), staging(vkdev, host)
    {
    }
};

extern "C" void tw_gpu_set_options(ncnn_net_t net)
{
    ncnn::Option &options = net_of(net)->opt;
    options.use_fp16_uniform = false;
    options.use_int8_packed = options.use_int8_storage = options.use_int8_uniform = options.use_int8_arithmetic = false;
    // One Winograd kernel instead of two: half the shaders to compile, two thirds of the weights.
    options.use_winograd23_convolution = false;
}

extern "C" void tw_gpu_count_layers(ncnn_net_t net, int *on_device, int *on_cpu)
{
    *on_device = *on_cpu = 0;
    for (const ncnn::Layer *layer : net_of(net)->layers()) {
        const char *type = layer->type.c_str();
        if (strncmp(type, "Convolution", 11) != 0 && strncmp(type, "Deconvolution", 13) != 0 &&
            strcmp(type, "InnerProduct") != 0)
            continue;
        (layer->support_vulkan ? *on_device : *on_cpu)++;
    }
}

extern "C" tw_gpu_worker *tw_gpu_worker_new(ncnn_net_t net, tw_account *account, tw_arena *arena, bool shared, int64_t cap)
{
    return new (std::nothrow) tw_gpu_worker(net_of(net)->vulkan_device(), Purse{account, arena}, shared, cap);
}

extern "C" void tw_gpu_worker_free(tw_gpu_worker *worker)
{
    delete worker;
}

extern "C" int64_t tw_gpu_worker_peak(const tw_gpu_worker *worker, int64_t *used)
{
    *used = worker->device.most_used;
    return worker->device.peak;
}

extern "C" void tw_gpu_reserve(tw_gpu_worker *worker, int64_t bytes)
{
    worker->device.reserve(bytes);
}

extern "C" void tw_gpu_attach(tw_gpu_worker *worker, ncnn_extractor_t extractor)
{
    auto *own = (ncnn::Extractor *)extractor;
    own->set_blob_vkallocator(&worker->device);
    own->set_workspace_vkallocator(&worker->device);
    own->set_staging_vkallocator(&worker->staging);
}

extern "C" int tw_gpu_extract(ncnn_extractor_t extractor, const char *blob, ncnn_mat_t *out, bool *refused)
{
    *out = NULL;
    *refused = false;
    try {
        return ncnn_extractor_extract(extractor, blob, out);
    } catch (const std::bad_alloc &) {
        *refused = true;
        return -100;
    }
}

extern "C" void tw_gpu_settle(tw_gpu_worker *worker)
{
    worker->staging.clear();
}
