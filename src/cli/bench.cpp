// bantam bench: how fast this machine runs a model. pp512 and tg128 mean what they mean in llama.cpp's llama-bench.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <functional>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/rng.h"
#include "cli/bench_machine.h"
#include "cli/bench_streams.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/model_option.h"
#include "cli/progress.h"
#include "cli/run_check.h"
#include "cli/terminal.h"
#include "engine/memory.h"
#include "engine/session.h"
#include "model/pack.h"

namespace bantam {
namespace {

constexpr int kStreamTokens = 128;  // of each text; and of its prompt one more, so that whole pages of it are kept
constexpr int kPromptTokens = 512, kDecodeTokens = 128, kDepthTokens = 2048;
constexpr double kDisturbed = 0.1;  // more of a CPU's time than this taken by other processes: measured again
constexpr int kMostRepeats = 3;     // of a disturbed run

struct Options {
  std::string model, kv = kDefaultKv;
  int threads = available_cpus();
  int runs = 5;
  int streams = 0;
  bool busy = false, ops = false, json = false;
};

void declare(CLI::App& command, Options& options) {
  add_model_option(command, options.model);
  add_threads_option(command, options.threads);
  add_kv_option(command, options.kv);
  command.add_option("-r,--runs", options.runs, "how often each is measured, at least 1")->capture_default_str();
  command.add_option("--streams", options.streams, "also so many texts at once, as a server writes them, up to 256");
  command.add_flag("--busy", options.busy, "also with other processes that keep one CPU, and all CPUs, busy");
  command.add_flag("--ops", options.ops, "also how much of the time each part of the model takes");
  command.add_flag("--json", options.json, "print the numbers as JSON");
}

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point from) { return std::chrono::duration<double>(Clock::now() - from).count(); }

// Tokens per second over the runs.
struct Speed {
  std::string name;
  int tokens = 0;
  double median = 0, slowest = 0, fastest = 0;
  double others = 0;  // CPUs that other processes kept busy, mean over the runs
  double limit = 0;   // tokens per second that the machine's memory or products allow; 0: not worked out
};

// Processes that do nothing but keep a CPU busy.
class BusyProcesses {
 public:
  explicit BusyProcesses(int count) {
    for (int i = 0; i < count; ++i) {
      const pid_t child = fork();
      if (child < 0) throw IoError("no process to keep a CPU busy: {}", std::strerror(errno));
      if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (std::atomic<uint64_t> n{0};;) n.fetch_add(1, std::memory_order_relaxed);
      }
      children_.push_back(child);
    }
  }
  ~BusyProcesses() {
    for (const pid_t child : children_) {
      kill(child, SIGKILL);
      waitpid(child, nullptr, 0);
    }
  }
  BusyProcesses(const BusyProcesses&) = delete;
  BusyProcesses& operator=(const BusyProcesses&) = delete;

 private:
  std::vector<pid_t> children_;
};

class Bench {
 public:
  explicit Bench(const Options& options) : options_(options), began_(Clock::now()), model_(open_model(options.model)) {
    const ModelConfig& config = model_->config();
    // A model trained for fewer tokens is measured on as many as it has.
    prompt_ = std::min(kPromptTokens, config.context);
    decode_ = std::min(kDecodeTokens, config.context);
    depth_ = config.context >= kDepthTokens + decode_ ? kDepthTokens : 0;
    session_.emplace(model_, options.threads, std::max(prompt_, depth_ + decode_), cache_format(options.kv));
    load_s_ = seconds_since(began_);
    Rng rng(1);
    tokens_.resize(static_cast<size_t>(session_->context()));
    for (int32_t& token : tokens_) token = static_cast<int32_t>(rng.below(static_cast<uint64_t>(config.vocab)));
  }

  void run() {
    Progress progress(
        "bench", ((depth_ > 0 ? 3 : 2) + (options_.streams > 0 ? 1 : 0) + (options_.busy ? 2 : 0)) * options_.runs, "");
    const auto step = [&] { progress.update(++done_); };
    speeds_.push_back(measure("prefill", prompt_, step, [&] { return prefill(prompt_); }));
    speeds_.push_back(measure("decode", decode_, step, [&] { return decode_after(0); }));
    if (options_.ops) {
      parts_.push_back(time_parts("prefill", prompt_, [&] { return prefill(prompt_); }));
      parts_.push_back(time_parts("decode", decode_, [&] { return decode_after(0); }));
    }
    if (depth_ > 0) {
      prefill(depth_);
      if (options_.ops) {
        parts_.push_back(time_parts("decode after 2048", decode_, [&] { return decode_after(depth_); }));
      }
      speeds_.push_back(measure("decode after 2048", decode_, step, [&] { return decode_after(depth_); }));
    }
    peak_memory_bytes_ = peak_memory();  // before measuring the machine takes more
    if (options_.streams > 0) {
      const int tokens = std::min(kStreamTokens, (model_->config().context - 1) / 2), all = options_.streams * tokens;
      speeds_.push_back(measure(fmt::format("decode, {} texts", options_.streams), all, step, [&] {
        return all /
               streams_rate(model_, options_.threads, cache_format(options_.kv), options_.streams, tokens + 1, tokens);
      }));
    }
    measure_limits();
    if (!options_.busy) return;
    for (const int busy : {1, available_cpus()}) {
      const BusyProcesses others(busy);
      busy_.push_back(measure(busy == 1 ? "decode, 1 CPU busy" : "decode, all CPUs busy", decode_, step,
                              [&] { return decode_after(0); }));
    }
  }

  void print_table() const {
    print(fmt::format("{}: {} parameters, {}B of weights, {} threads, {} kernels\n", model_title(options_.model),
                      short_count(static_cast<double>(model_->parameters())),
                      short_count(static_cast<double>(model_->weight_bytes())), options_.threads,
                      active_kernels().name));
    print(fmt::format("this machine: {:.1f} GB/s read, {:.0f} G byte operations/s\n\n", 1e-9 * bandwidth_,
                      1e-9 * products_));
    print(fmt::format("{:<24}{:>10} {:>22}{:>12}{:>14}\n", "", "tokens/s", "slowest to fastest", "of limit",
                      "others' CPUs"));
    for (const Speed& s : speeds_) print_line(s);
    for (const Speed& s : busy_) print_line(s);
    if (options_.ops) print_parts();
    print(fmt::format("\n{:<24}{:>10.3f} s\n", "load", load_s_));
    print(fmt::format("{:<24}{:>10}B\n", "peak memory", short_count(static_cast<double>(peak_memory_bytes_))));
  }

  void print_json() const {
    Json json{{"model", model_title(options_.model)},
              {"parameters", model_->parameters()},
              {"weight_bytes", model_->weight_bytes()},
              {"threads", options_.threads},
              {"kernels", active_kernels().name},
              {"runs", options_.runs},
              {"read_bytes_per_s", bandwidth_},
              {"byte_operations_per_s", products_},
              {"load_s", load_s_},
              {"peak_memory_bytes", peak_memory_bytes_}};
    for (const std::vector<Speed>* speeds : {&speeds_, &busy_}) {
      for (const Speed& s : *speeds) {
        json["speeds"].push_back({{"name", s.name},
                                  {"tokens", s.tokens},
                                  {"median", s.median},
                                  {"min", s.slowest},
                                  {"max", s.fastest},
                                  {"of_limit", s.limit > 0 ? Json(s.median / s.limit) : Json(nullptr)},
                                  {"others_cpus", s.others}});
      }
    }
    for (const Parts& parts : parts_) {
      Json seconds = Json::object();
      for (size_t i = 0; i < kParts; ++i) {
        const auto part = static_cast<Part>(i);
        seconds[std::string(name_of(part))] = 1e6 * parts.times.seconds(part) / parts.tokens;
      }
      json["parts"].push_back({{"name", parts.name}, {"tokens", parts.tokens}, {"us_per_token", seconds}});
    }
    print(to_line(json) + "\n");
  }

 private:
  struct Parts {
    std::string name;
    int tokens;
    PartTimes times;
  };

  Parts time_parts(std::string name, int tokens, const std::function<double()>& work) {
    Parts parts{std::move(name), tokens, {}};
    session_->time_parts(&parts.times);
    for (int i = 0; i < options_.runs; ++i) work();
    session_->time_parts(nullptr);
    parts.tokens *= options_.runs;
    return parts;
  }

  void print_parts() const {
    print(fmt::format("\n{:<24}", "us per token"));
    for (const Parts& parts : parts_) print(fmt::format("{:>20}", parts.name));
    for (size_t i = 0; i < kParts; ++i) {
      print(fmt::format("\n{:<24}", name_of(static_cast<Part>(i))));
      for (const Parts& parts : parts_) {
        double all = 0;
        for (size_t k = 0; k < kParts; ++k) all += parts.times.seconds(static_cast<Part>(k));
        const double seconds = parts.times.seconds(static_cast<Part>(i));
        print(fmt::format("{:>14.1f} {:>4.0f}%", 1e6 * seconds / parts.tokens, 100 * seconds / all));
      }
    }
    print("\n");
  }

  void measure_limits() {
    ThreadPool pool(options_.threads);
    bandwidth_ = read_bandwidth(pool);
    products_ = product_rate(pool, active_kernels());
    speeds_[0].limit = products_ / (2 * static_cast<double>(model_->parameters()));
    speeds_[1].limit = bandwidth_ / static_cast<double>(resident_bytes(model_->config(), model_->weights()));
  }

  static void print_line(const Speed& s) {
    const std::string share = s.limit > 0 ? fmt::format("{:.0f}%", 100 * s.median / s.limit) : "";
    print(fmt::format("{:<24}{:>10.1f} {:>22}{:>12}{:>14.2f}\n", fmt::format("{} ({})", s.name, s.tokens), s.median,
                      fmt::format("{:.1f} to {:.1f}", s.slowest, s.fastest), share, s.others));
  }

  static bool interrupted() {
    throw_if_interrupted();
    return false;
  }

  // Both return the seconds of what is measured.
  double prefill(int count) {
    session_->truncate(0);
    const auto began = Clock::now();
    session_->run_to(std::span(tokens_).first(static_cast<size_t>(count)), interrupted);
    return seconds_since(began);
  }
  double decode_after(int depth) {
    session_->truncate(depth);
    const auto began = Clock::now();
    for (int i = 0; i < decode_; ++i) {
      interrupted();
      session_->append(std::span(tokens_).subspan(static_cast<size_t>(depth + i), 1), Logits::last_row);
    }
    return seconds_since(began);
  }

  // One run warms up. A run that other processes disturbed is made again, up to kMostRepeats times.
  Speed measure(std::string name, int tokens, const std::function<void()>& step, const std::function<double()>& work) {
    work();
    std::vector<double> rates;
    double others = 0;
    const bool alone = busy_.empty() && !name.ends_with("busy");
    for (int i = 0; i < options_.runs; ++i) {
      double rate = 0, share = 0;
      for (int repeat = 0; repeat <= kMostRepeats; ++repeat) {
        const OtherWork other;
        const double again = tokens / work();
        if (const double found = other.share(); repeat == 0 || found < share) {
          rate = again;
          share = found;
        }
        if (!alone || share <= kDisturbed) break;
      }
      rates.push_back(rate);
      others += share / options_.runs;
      step();
    }
    std::sort(rates.begin(), rates.end());
    const size_t middle = rates.size() / 2;
    const double median = rates.size() % 2 == 1 ? rates[middle] : (rates[middle - 1] + rates[middle]) / 2;
    return {std::move(name), tokens, median, rates.front(), rates.back(), others, 0};
  }

  const Options& options_;
  Clock::time_point began_;
  std::shared_ptr<const Model> model_;
  std::optional<Session> session_;
  std::vector<int32_t> tokens_;
  int prompt_ = 0, decode_ = 0, depth_ = 0, done_ = 0;
  double load_s_ = 0, bandwidth_ = 0, products_ = 0;
  uint64_t peak_memory_bytes_ = 0;
  std::vector<Speed> speeds_, busy_;
  std::vector<Parts> parts_;
};

void run(const Options& options) {
  if (options.runs < 1 || options.runs > 1000) throw UsageError("--runs is {}, expected 1 to 1000", options.runs);
  if (options.streams < 0 || options.streams > 256) {
    throw UsageError("--streams is {}, expected 0 (none) to 256", options.streams);
  }
  const InterruptGuard guard;
  Bench bench(options);
  bench.run();
  options.json ? bench.print_json() : bench.print_table();
}

}  // namespace

void add_bench(CLI::App& app) {
  add_command<Options>(app, "bench", "Measure prefill and decode speed, load time and memory",
                       "  bantam bench -m model.gguf -t 2\n"
                       "  bantam bench -m model.gguf --busy\n"
                       "  bantam bench -m model.gguf --kv q8_0\n"
                       "  bantam bench -m model.gguf --ops\n"
                       "  bantam bench -m model.gguf --streams 16\n"
                       "  bantam bench -m model.gguf -t 2 --json\n",
                       declare, run);
}

}  // namespace bantam
