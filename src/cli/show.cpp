// bantam show: what is in a model file, whether or not this build can run it.
#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <variant>

#include "base/error.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/model_option.h"
#include "cli/progress.h"
#include "cli/run_check.h"
#include "cli/terminal.h"
#include "engine/memory.h"
#include "engine/session.h"
#include "text/tokenizer.h"

namespace bantam {
namespace {

struct Options {
  std::string model, kv = kDefaultKv;
  int context = 0;
  bool tensors = false, json = false;
};

void declare(CLI::App& command, Options& options) {
  add_model_option(command, options.model);
  command.add_option("file", options.model, "the same without -m");
  command.add_option("-c,--context", options.context,
                     "context to say the memory for (default: the model's, at most 4096)");
  add_kv_option(command, options.kv);
  command.add_flag("--tensors", options.tensors, "list every tensor");
  command.add_flag("--json", options.json, "print everything as JSON");
}

// Longer arrays are shown by their length: vocabularies have 100,000 entries.
constexpr size_t kMostEntries = 8;
constexpr size_t kMostTextBytes = 100;

Json json_of(const MetaValue& value) {
  return std::visit(
      [&]<class T>(const T& v) -> Json {
        if constexpr (requires { v.size(); } && !std::is_same_v<T, std::string>) {
          if (v.size() > kMostEntries) return fmt::format("{} ({} entries)", kind_of(value), v.size());
        }
        return Json(v);
      },
      value);
}

struct FormatTotal {
  size_t tensors = 0, values = 0, bytes = 0;
};

size_t values_of(const NamedTensor& tensor) {
  size_t count = 1;
  for (const int64_t n : tensor.shape) count *= static_cast<size_t>(n);
  return count;
}

std::map<std::string_view, FormatTotal> totals_by_format(const ModelFile& file) {
  std::map<std::string_view, FormatTotal> totals;
  for (const NamedTensor& tensor : file.tensors()) {
    FormatTotal& total = totals[traits(tensor.dtype).name];
    ++total.tensors;
    total.values += values_of(tensor);
    total.bytes += tensor.bytes.size();
  }
  return totals;
}

// A value, or why there is none.
template <class T>
struct Found {
  std::optional<T> value;
  std::string reason;
};

template <class F>
auto try_to(F&& f) -> Found<decltype(f())> {
  try {
    return {f(), ""};
  } catch (const Error& error) {
    return {std::nullopt, error.what()};
  }
}

// Values of one field over the layers: "8", or "4 to 8".
std::string over_layers(const ModelConfig& config, int LayerConfig::*field) {
  const auto [low, high] = std::minmax_element(config.layer.begin(), config.layer.end(),
                                               [&](const auto& a, const auto& b) { return a.*field < b.*field; });
  return *low.*field == *high.*field ? fmt::format("{}", *low.*field)
                                     : fmt::format("{} to {}", *low.*field, *high.*field);
}

struct Contents {
  ModelFile file;
  Found<std::shared_ptr<const Model>> model;
  Found<Tokenizer> tokenizer;
};

struct Memory {
  int context;
  MemoryNeed need;
};

// Throws UsageError for a context or a format that the model cannot run with.
Memory memory_of(const Model& model, const Options& options) {
  const ModelConfig& c = model.config();
  const int context = options.context != 0 ? checked_context(c, options.context) : std::min(c.context, kDefaultContext);
  return {context, memory_needed(model, context, cache_format(options.kv))};
}

Json architecture_json(const Model& model, const Memory& memory) {
  const ModelConfig& c = model.config();
  Json layers = Json::array();
  for (const LayerConfig& l : c.layer) {
    layers.push_back({{"heads", l.heads}, {"kv_heads", l.kv_heads}, {"ffn_dim", l.ffn_dim}, {"window", l.window}});
  }
  const MemoryNeed& need = memory.need;
  return {{"family", c.family},
          {"parameters", model.parameters()},
          {"weight_bytes", model.weight_bytes()},
          {"vocab", c.vocab},
          {"context", c.context},
          {"dim", c.dim},
          {"head_dim", c.head_dim},
          {"tied_embeddings", c.tied_embeddings},
          {"layers", layers},
          {"memory",
           {{"context", memory.context},
            {"weight_bytes", need.weights},
            {"cache_bytes", need.cache},
            {"work_bytes", need.work},
            {"program_bytes", need.program},
            {"bytes", need.total()}}}};
}

void print_json(const Options& options, const Contents& contents) {
  Json out = {{"file", contents.file.source()}};
  out["architecture"] = nullptr;
  if (contents.model.value) {
    const Model& model = **contents.model.value;
    out["architecture"] = architecture_json(model, memory_of(model, options));
  }
  if (!contents.model.value) out["cannot_run"] = contents.model.reason;
  if (contents.tokenizer.value) {
    const Tokenizer& t = *contents.tokenizer.value;
    out["tokenizer"] = {{"tokens", t.vocab_size()},
                        {"bos", t.bos() ? Json(*t.bos()) : Json(nullptr)},
                        {"eos", t.eos() ? Json(*t.eos()) : Json(nullptr)}};
  } else {
    out["tokenizer"] = nullptr;
  }
  for (const auto& [name, total] : totals_by_format(contents.file)) {
    out["formats"][std::string(name)] = {{"tensors", total.tensors}, {"values", total.values}, {"bytes", total.bytes}};
  }
  if (options.tensors) {
    out["tensors"] = Json::array();
    for (const NamedTensor& t : contents.file.tensors()) {
      out["tensors"].push_back(
          {{"name", t.name}, {"format", traits(t.dtype).name}, {"shape", t.shape}, {"bytes", t.bytes.size()}});
    }
  }
  out["metadata"] = Json::object();
  for (const auto& [key, value] : contents.file.metadata) out["metadata"][key] = json_of(value);
  print(to_line(out) + "\n");
}

void print_field(std::string_view name, std::string_view value) { print(fmt::format("  {:<18}{}\n", name, value)); }

std::string size_text(size_t bytes) { return short_count(static_cast<double>(bytes)) + "B"; }

void print_architecture(const Model& model, const Memory& memory) {
  const ModelConfig& c = model.config();
  print_field("architecture", c.family);
  print_field("parameters", short_count(static_cast<double>(model.parameters())));
  print_field("context", fmt::format("{} tokens", c.context));
  print_field("layers", fmt::format("{}", c.layers()));
  print_field("width", fmt::format("{}, heads {} of {}, key/value heads {}, feed-forward {}", c.dim,
                                   over_layers(c, &LayerConfig::heads), c.head_dim,
                                   over_layers(c, &LayerConfig::kv_heads), over_layers(c, &LayerConfig::ffn_dim)));
  print_field("embeddings",
              fmt::format("{} rows, {}", c.vocab, c.tied_embeddings ? "shared with the output" : "separate output"));
  const MemoryNeed& need = memory.need;
  print_field("memory needed", fmt::format("{}: {} weights, {} for a context of {} tokens, {} to work in",
                                           size_text(need.total()), size_text(need.weights), size_text(need.cache),
                                           memory.context, size_text(need.work + need.program)));
}

void print_text(const Options& options, const Contents& contents) {
  print(contents.file.source() + "\n");
  if (contents.model.value) {
    const Model& model = **contents.model.value;
    print_architecture(model, memory_of(model, options));
  } else {
    print_field("cannot be run", contents.model.reason);
  }
  if (const auto& tokenizer = contents.tokenizer.value) {
    print_field("tokenizer", fmt::format("{}, {} tokens", contents.file.metadata.string("tokenizer.ggml.model"),
                                         tokenizer->vocab_size()));
  } else {
    print_field("no tokenizer", contents.tokenizer.reason);
  }
  print("\ntensors\n");
  for (const auto& [name, total] : totals_by_format(contents.file)) {
    print_field(name, fmt::format("{} tensors, {} values, {}", total.tensors,
                                  short_count(static_cast<double>(total.values)), size_text(total.bytes)));
  }
  if (options.tensors) {
    for (const NamedTensor& t : contents.file.tensors()) {
      print(fmt::format("  {:<40}{:<6}{}\n", t.name, traits(t.dtype).name, fmt::join(t.shape, " x ")));
    }
  }
  print("\nmetadata\n");
  for (const auto& [key, value] : contents.file.metadata) {
    std::string text = to_line(json_of(value));
    if (text.size() > kMostTextBytes) text = fmt::format("{} ({} bytes)", kind_of(value), text.size());
    print(fmt::format("  {:<44}{}\n", key, text));
  }
}

void run(const Options& options) {
  ModelFile file = open_model_file(options.model);
  auto tokenizer = try_to([&] { return open_tokenizer(file.metadata); });
  const Contents contents{std::move(file), try_to([&] { return open_model(options.model, LoadFor::looking); }),
                          std::move(tokenizer)};
  options.json ? print_json(options, contents) : print_text(options, contents);
}

}  // namespace

void add_show(CLI::App& app) {
  add_command<Options>(app, "show", "What is in a model file",
                       "  bantam show -m model.gguf\n"
                       "  bantam show -m model.gguf --context 32768 --kv q8_0\n"
                       "  bantam show -m model.gguf --tensors --json\n",
                       declare, run);
}

}  // namespace bantam
