#include "train/recipe.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/json.h"
#include "kernels/gemm.h"
#include "text/reading.h"

namespace bantam {
namespace {

std::string flag_of(std::string_view field) {
  std::string flag = "--" + std::string(field);
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

struct CheckRange {
  template <class T>
  void operator()(std::string_view name, std::string_view, FieldRange range, const T& value) const {
    if constexpr (std::is_same_v<T, int64_t> || std::is_same_v<T, double>) {
      const auto v = static_cast<double>(value);
      if (v >= range.low && v <= range.high) return;
      throw UsageError("{} is {}, wanted {} to {}", flag_of(name), value, range.low, range.high);
    }
  }
};

void check_choice(std::string_view flag, const std::string& value, std::string_view one, std::string_view other) {
  if (value != one && value != other) throw UsageError("{} is '{}', wanted {} or {}", flag, value, one, other);
}

}  // namespace

std::string to_json_text(const Recipe& recipe) {
  Json json = Json::object();
  for_each_field(recipe, [&](const char* name, const char*, FieldRange, const auto& value) { json[name] = value; });
  return to_line(json);
}

void merge_json(Recipe& recipe, std::string_view text, std::string_view source) {
  const Json json = parse_json(text, source);
  if (!json.is_object()) throw FormatError("{}: is not a JSON object of recipe keys", source);
  std::vector<std::string> known;
  const auto take = [&]<class T>(const char* name, const char*, FieldRange, T& value) {
    known.push_back(name);
    if (!json.contains(name)) return;
    const Json& given = json[name];
    if constexpr (std::is_same_v<T, int64_t>) {
      if (!given.is_number_integer())
        throw FormatError("{}: '{}' is {}, wanted an integer", source, name, given.dump());
    }
    try {
      value = given.get<T>();
    } catch (const Json::exception&) {
      throw FormatError("{}: '{}' is {}, which has the wrong type", source, name, given.dump());
    }
  };
  for_each_field(recipe, take);
  for (const auto& [key, unused] : json.items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    throw FormatError("{}: the key '{}' is not known; known: {}", source, key, fmt::join(known, ", "));
  }
}

void take_fields(Recipe& to, const Recipe& from, const std::vector<std::string>& fields) {
  const Json all = parse_json(to_json_text(from), "recipe");
  Json some = Json::object();
  for (const std::string& field : fields) some[field] = all.at(field);
  merge_json(to, to_line(some), "recipe");
}

void validate(const Recipe& recipe) {
  for_each_field(recipe, CheckRange{});
  if (recipe.data.empty()) throw UsageError("--data names no file; wanted at least one file of documents");
  for (const std::string& entry : recipe.data) parse_data_spec(entry);
  if ((recipe.steps == 0) == (recipe.hours == 0)) {
    throw UsageError("--steps is {} and --hours is {}; wanted exactly one of them above 0", recipe.steps, recipe.hours);
  }
  check_choice("--task", recipe.task, "text", "reading");
  check_choice("--weights", recipe.weights, "f32", "bf16");
  check_choice("--matmul", recipe.matmul, "f32", "bf16");
  if (recipe.matmul == "bf16" && !has_bf16_gemm()) {
    throw UsageError("--matmul is bf16, but this CPU has no bf16 tiles (AMX); use --matmul f32");
  }
  if (recipe.micro_tokens < recipe.context || recipe.micro_tokens % recipe.context != 0) {
    throw UsageError("--micro-tokens is {}, wanted a multiple of --context {}", recipe.micro_tokens, recipe.context);
  }
  if (recipe.batch_tokens % recipe.micro_tokens != 0) {
    throw UsageError("--batch-tokens is {}, wanted a multiple of --micro-tokens {}", recipe.batch_tokens,
                     recipe.micro_tokens);
  }
  if (!recipe.init_from.empty()) {
    if (recipe.tokenizer.empty()) return;
    throw UsageError("--tokenizer is {}, but --init-from {} brings its own vocabulary; give one of them",
                     recipe.tokenizer, recipe.init_from);
  }
  if (recipe.dim % recipe.heads != 0 || recipe.dim / recipe.heads % 2 != 0) {
    throw UsageError("--heads is {}, wanted heads of an even width that divide --dim {}", recipe.heads, recipe.dim);
  }
  if (recipe.kv_heads != 0 && recipe.heads % recipe.kv_heads != 0) {
    throw UsageError("--kv-heads is {}, wanted a divisor of --heads {}", recipe.kv_heads, recipe.heads);
  }
}

std::string first_difference(std::string_view there_json, std::string_view here_json) {
  const Json there = parse_json(there_json, "checkpoint"), here = parse_json(here_json, "recipe");
  for (const auto& [key, value] : here.items()) {
    if (!there.contains(key)) return fmt::format("{}: missing there, {} here", key, value.dump());
    if (there[key] != value) return fmt::format("{}: {} there, {} here", key, there[key].dump(), value.dump());
  }
  return {};
}

DataSpec parse_data_spec(const std::string& entry) {
  const size_t colon = entry.rfind(':');
  if (colon == std::string::npos || std::filesystem::exists(entry)) return {entry};
  const std::string_view number = std::string_view(entry).substr(colon + 1);
  double share = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), share);
  if (error != std::errc() || end != number.data() + number.size()) return {entry};
  if (!(share > 0 && share <= 1)) {
    throw UsageError("--data {}: the share is {}, wanted above 0 and at most 1", entry, share);
  }
  return {entry.substr(0, colon), share};
}

void make_reader(ModelConfig& config) {
  config.family = "bantam-reader";
  config.causal = false;
  config.tied_embeddings = true;
  config.token_types = kReadingTypes;
  config.classes = 2;
}

ModelConfig model_config(const Recipe& recipe, int vocab) {
  ModelConfig c;
  c.vocab = vocab;
  c.dim = static_cast<int>(recipe.dim);
  c.head_dim = c.rope_dim = static_cast<int>(recipe.dim / recipe.heads);
  c.context = static_cast<int>(recipe.context);
  c.tied_embeddings = recipe.tied_embeddings;
  LayerConfig layer;
  layer.heads = static_cast<int>(recipe.heads);
  layer.kv_heads = static_cast<int>(recipe.kv_heads ? recipe.kv_heads : recipe.heads);
  layer.ffn_dim = static_cast<int>(recipe.ffn ? recipe.ffn : (recipe.dim * 8 / 3 + 31) / 32 * 32);
  layer.rope_theta = static_cast<float>(recipe.rope_theta);
  c.layer.assign(static_cast<size_t>(recipe.layers), layer);
  if (recipe.task == "reading") make_reader(c);
  return c;
}

OptimizerSettings optimizer_settings(const Recipe& recipe) {
  OptimizerSettings s;
  s.matrix_lr = static_cast<float>(recipe.lr);
  s.embed_lr = static_cast<float>(recipe.embed_lr);
  s.weight_decay = static_cast<float>(recipe.weight_decay);
  return s;
}

}  // namespace bantam
