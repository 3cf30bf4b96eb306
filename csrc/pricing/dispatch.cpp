#include "pricing/dispatch.hpp"

#include <atomic>
#include <cstdlib>
#include <stdexcept>

#include "pricing/isa/rows.hpp"

namespace atalanta {
namespace {

std::atomic<const KernelSet*> active{nullptr};

const KernelSet& best_supported() noexcept {
    const KernelSet* best = nullptr;
    for (const KernelSet* row : kernel_sets()) {
        if (best == nullptr && supported(*row)) best = row;
    }
    return *best;  // the last row needs nothing
}

const KernelSet& find(std::string_view name, std::string_view origin) {
    std::string names;
    for (const KernelSet* row : kernel_sets()) {
        if (name == row->name && supported(*row)) return *row;
        if (supported(*row)) names += names.empty() ? row->name : std::string(", ") + row->name;
    }
    throw std::invalid_argument(
        std::string(origin) + "='" + std::string(name) +
        "' is not an instruction set that this machine can run; choose one of: " + names);
}

}  // namespace

std::span<const KernelSet* const> kernel_sets() noexcept {
    return isa::rows();
}

bool supported(const KernelSet& row) noexcept {
    return detected_cpu_features().contains(row.required);
}

const KernelSet& active_kernels() {
    if (const KernelSet* row = active.load(std::memory_order_acquire)) return *row;
    const char* forced = std::getenv("ATALANTA_ISA");
    const KernelSet& row =
        forced == nullptr || *forced == '\0' ? best_supported() : find(forced, "ATALANTA_ISA");
    active.store(&row, std::memory_order_release);
    return row;
}

const KernelSet& select_kernels(std::string_view name) {
    const KernelSet& before = active_kernels();
    active.store(&find(name, "isa"), std::memory_order_release);
    return before;
}

}  // namespace atalanta
