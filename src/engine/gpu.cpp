// SPDX-License-Identifier: MIT
// What ncnn's C API does not give: the Vulkan instance, device names, the memory budget and whether memory is shared.
#include <mutex>
#include <vector>
#include <cstdio>

#include <ncnn/gpu.h>

extern "C" {
#include "base/error.h"
}
#include "engine/gpu.h"

namespace
{

std::mutex instance_lock;
int instance_users = 0;

bool acquire()
{
    if (instance_users == 0 && ncnn::create_gpu_instance() != 0)
        return false;
    instance_users++;
    return true;
}

void release()
{
    if (--instance_users == 0)
        ncnn::destroy_gpu_instance();
}

// Runs `f(device)` with the instance alive; `none` where the device does not exist.
template <typename T, typename F> T with_device(int device, T none, F f)
{
    std::lock_guard<std::mutex> guard(instance_lock);
    if (!acquire())
        return none;
    T result = device >= 0 && device < ncnn::get_gpu_count() ? f(device) : none;
    release();
    return result;
}

uint32_t device_heap(const VkPhysicalDeviceMemoryProperties &memory)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < memory.memoryHeapCount; i++) {
        bool local = memory.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT;
        bool best_local = memory.memoryHeaps[best].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT;
        if ((local && !best_local) || (local == best_local && memory.memoryHeaps[i].size > memory.memoryHeaps[best].size))
            best = i;
    }
    return best;
}

int64_t available(int device)
{
    const ncnn::GpuInfo &info = ncnn::get_gpu_info(device);
    const VkPhysicalDeviceMemoryProperties &memory = info.physicalDeviceMemoryProperties();
    uint32_t heap = device_heap(memory);
    int64_t size = (int64_t)memory.memoryHeaps[heap].size;
    if (!info.support_VK_EXT_memory_budget() || !ncnn::vkGetPhysicalDeviceMemoryProperties2KHR)
        return size / 2;
    VkPhysicalDeviceMemoryBudgetPropertiesEXT budget = {};
    budget.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT;
    VkPhysicalDeviceMemoryProperties2KHR query = {};
    query.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2_KHR;
    query.pNext = &budget;
    ncnn::vkGetPhysicalDeviceMemoryProperties2KHR(info.physicalDevice(), &query);
    int64_t allowed =
        (int64_t)budget.heapBudget < size ? (int64_t)budget.heapBudget : size; // some drivers report more than exists
    int64_t left = allowed - (int64_t)budget.heapUsage;
    return left > 0 ? left : 0;
}

} // namespace

extern "C" tw_status tw_gpu_acquire(int device, char *name, size_t n, tw_error *err)
{
    std::lock_guard<std::mutex> guard(instance_lock);
    if (!acquire())
        return tw_fail(err, TW_ERROR_DEVICE, "device gpu:%d: no Vulkan loader or driver on this machine", device);
    int count = ncnn::get_gpu_count();
    if (device < 0 || device >= count) {
        release();
        return tw_fail(err, TW_ERROR_DEVICE, "device gpu:%d: this machine has %d Vulkan device%s", device, count,
                       count == 1 ? "" : "s");
    }
    snprintf(name, n, "%s", ncnn::get_gpu_info(device).device_name());
    return TW_OK;
}

extern "C" void tw_gpu_release(void)
{
    std::lock_guard<std::mutex> guard(instance_lock);
    release();
}

extern "C" int tw_gpu_count(void)
{
    std::lock_guard<std::mutex> guard(instance_lock);
    if (!acquire())
        return 0;
    int count = ncnn::get_gpu_count();
    release();
    return count;
}

extern "C" int64_t tw_gpu_memory_available(int device)
{
    return with_device<int64_t>(device, 0, available);
}

extern "C" bool tw_gpu_shares_memory(int device)
{
    return with_device<bool>(device, true, [](int d) {
        int type = ncnn::get_gpu_info(d).type();
        return type == 1 || type == 3;
    });
}

extern "C" int64_t tw_gpu_largest_buffer(int device)
{
    return with_device<int64_t>(device, 0, [](int d) {
        return (int64_t)ncnn::get_gpu_info(d).physicalDeviceProperties().limits.maxStorageBufferRange;
    });
}
