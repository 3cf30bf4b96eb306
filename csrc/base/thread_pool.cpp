#include "base/thread_pool.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/affinity.hpp"

namespace atalanta {
namespace {

constexpr int kMostThreads = 1024;

// One call's work: pieces are taken by an atomic counter, so uneven threads balance themselves.
struct Job {
    std::size_t size, grain;
    detail::RangeBody body;
    void* context;
    std::atomic<std::size_t> next{0};

    void work() {
        for (;;) {
            const std::size_t first = next.fetch_add(grain, std::memory_order_relaxed);
            if (first >= size) return;
            body(context, first, std::min(grain, size - first));
        }
    }
};

// Where the helpers are pinned. Never on the caller's own processor, if one is left: a helper woken there
// runs only once the call that it is to help has ended.
class Homes {
  public:
    void add(std::thread& helper) {
        homes_.push_back(-1);  // before anything may fail: homes are counted as helpers are
        const std::vector<int> numbers = processor_numbers();
        free_ = -1;
        if (numbers.size() < 2) return;
        pin(helper, homes_.size() - 1, numbers[homes_.size() % numbers.size()]);
        for (std::size_t i = numbers.size(); i-- > 0;) {
            if (std::find(homes_.begin(), homes_.end(), numbers[i]) == homes_.end()) free_ = numbers[i];
        }
    }

    // A helper that lives where the caller is moves to where none lives.
    void leave_to_caller(std::vector<std::thread>& helpers) {
        const int here = current_processor();
        if (free_ < 0 || here < 0 || here == free_) return;
        const auto home = std::find(homes_.begin(), homes_.end(), here);
        if (home == homes_.end() || !is_usable(free_)) return;
        const auto helper = static_cast<std::size_t>(home - homes_.begin());
        pin(helpers[helper], helper, std::exchange(free_, here));
    }

  private:
    void pin(std::thread& helper, std::size_t index, int processor) {
        homes_[index] = processor;
        pin_to_processor(helper, processor);
    }

    std::vector<int> homes_;  // processors, by helper; -1: not pinned
    int free_ = -1;           // one without a helper; -1: there is none
};

class ThreadPool {
  public:
    ThreadPool() : owner_(getpid()) {}
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    // False, with nothing done, when another caller has the pool.
    bool try_run(Job& job, int helpers) {
        const std::unique_lock turn(turn_, std::try_to_lock);
        if (!turn.owns_lock()) return false;
        grow(static_cast<std::size_t>(helpers));
        homes_.leave_to_caller(workers_);
        {
            const std::lock_guard lock(mutex_);
            job_ = &job;
            invited_ = helpers;
            ++round_;
        }
        wake_.notify_all();
        job.work();
        std::unique_lock lock(mutex_);
        invited_ = 0;  // whoever has not woken by now need not
        done_.wait(lock, [this] { return running_ == 0; });
        job_ = nullptr;
        return true;
    }

    bool belongs_to_this_process() const { return owner_ == getpid(); }

  private:
    // A machine that refuses a thread leaves the work to those there are.
    void grow(std::size_t helpers) {
        try {
            while (workers_.size() < helpers) {
                workers_.emplace_back([this] { serve(); });
                homes_.add(workers_.back());
            }
        } catch (const std::exception&) {
        }
    }

    void serve() {
        std::uint64_t seen = 0;
        std::unique_lock lock(mutex_);
        for (;;) {
            wake_.wait(lock, [&] { return invited_ > 0 && round_ != seen; });
            seen = round_;
            --invited_;
            ++running_;
            Job* job = job_;
            lock.unlock();
            job->work();
            lock.lock();
            if (--running_ == 0) done_.notify_one();
        }
    }

    const pid_t owner_;
    std::mutex turn_;
    std::mutex mutex_;
    std::condition_variable wake_, done_;
    Job* job_ = nullptr;
    int invited_ = 0, running_ = 0;
    std::uint64_t round_ = 0;
    std::vector<std::thread> workers_;
    Homes homes_;
};

// A forked child has a copy of the pool without its threads and starts a new one. A pool is never destroyed:
// at exit a destructor would wait for threads that a child never had, or that daemon threads still use.
ThreadPool& pool() {
    static std::atomic<ThreadPool*> current{nullptr};
    ThreadPool* here = current.load(std::memory_order_acquire);
    if (here != nullptr && here->belongs_to_this_process()) return *here;
    auto fresh = std::make_unique<ThreadPool>();
    if (current.compare_exchange_strong(here, fresh.get(), std::memory_order_acq_rel))
        return *fresh.release();
    return *here;  // another thread was first
}

// The variable's value, 0 when unset, -1 when it is not a count.
int threads_from_environment() noexcept {
    const char* text = std::getenv("ATALANTA_THREADS");
    if (text == nullptr || *text == '\0') return 0;
    char* end = nullptr;
    const long value = std::strtol(text, &end, 10);
    return *end == '\0' && value >= 1 && value <= kMostThreads ? static_cast<int>(value) : -1;
}

int automatic_threads() noexcept {
    static const int from_environment = threads_from_environment();
    return from_environment > 0 ? from_environment : usable_processors();
}

std::atomic<int> chosen_threads{0};

}  // namespace

int default_threads() noexcept {
    const int chosen = chosen_threads.load(std::memory_order_relaxed);
    return chosen > 0 ? chosen : automatic_threads();
}

int set_default_threads(int threads) noexcept {
    const int before = default_threads();
    chosen_threads.store(std::clamp(threads, 0, kMostThreads), std::memory_order_relaxed);
    return before;
}

const char* invalid_threads_variable() noexcept {
    return threads_from_environment() < 0 ? std::getenv("ATALANTA_THREADS") : nullptr;
}

namespace detail {

void run_over_threads(std::size_t size, std::size_t grain, int threads, RangeBody body, void* context) {
    Job job{size, grain, body, context};
    const std::size_t pieces = (size + grain - 1) / grain;
    const int wanted = threads > 0 ? std::min(threads, kMostThreads) : default_threads();
    const int helpers = static_cast<int>(std::min<std::size_t>(pieces, static_cast<std::size_t>(wanted))) - 1;
    if (helpers > 0 && pool().try_run(job, helpers)) return;
    job.work();
}

}  // namespace detail
}  // namespace atalanta
