// What a model may say about itself that cannot be: sizes, numbers and tensors that contradict each other.
#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <span>

#include "base/json.h"
#include "base_files.h"

namespace bantam::torture {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kInfinity = std::numeric_limits<double>::infinity();

Files with_key(const std::string& key, const MetaValue& value, const std::string& family = "llama") {
  return gguf_file([&](Metadata& metadata, std::vector<TensorSource>&) { metadata.set(key, value); }, family);
}

Files with_tensor(const std::string& name, const std::function<void(TensorSource&)>& change) {
  return gguf_file([&](Metadata&, std::vector<TensorSource>& tensors) {
    for (TensorSource& tensor : tensors) {
      if (tensor.name == name) change(tensor);
    }
  });
}

// A tensor of zeros.
TensorSource zeros(std::string name, std::vector<int64_t> shape, DType dtype = DType::f32) {
  size_t bytes = row_bytes(dtype, shape.empty() ? 1 : shape.back());
  for (size_t i = 0; i + 1 < shape.size(); ++i) bytes *= static_cast<size_t>(shape[i]);
  return {std::move(name), dtype, std::move(shape),
          [bytes](const ByteSink& put) { put(std::vector<std::byte>(bytes)); }};
}

TensorSource vector_of(std::string name, std::vector<float> values) {
  const auto count = static_cast<int64_t>(values.size());
  return {
      std::move(name), DType::f32, {count}, [values](const ByteSink& put) { put(std::as_bytes(std::span(values))); }};
}

// Each size at its boundaries and as other types; each number as none.
void add_gguf_sizes(BadClasses& classes) {
  static constexpr const char* kSizes[] = {
      "embedding_length",    "block_count",          "attention.head_count",   "attention.head_count_kv",
      "feed_forward_length", "attention.key_length", "attention.value_length", "rope.dimension_count",
      "context_length",      "expert_count"};
  for (const std::string size : kSizes) {
    const std::string key = "llama." + size;
    // A context may have any length, and no experts are none.
    const auto expect = [size](uint64_t n) {
      const bool fine = size == "context_length" || (size == "expert_count" && n == 0);
      return fine ? Expect::either : Expect::refused;
    };
    classes.push_back({fmt::format("gguf model: {} at its boundaries", size), [=] {
                         std::vector<BadFile> files;
                         for (const uint64_t n : kBoundaries) {
                           files.push_back({with_key(key, integer_value(n)), "", expect(n)});
                         }
                         return files;
                       }});
    classes.push_back({fmt::format("gguf model: {} below zero", size), [=] {
                         std::vector<BadFile> files;
                         for (const int64_t n : {int64_t{-1}, int64_t{INT32_MIN}, INT64_MIN}) {
                           files.push_back({with_key(key, n), "expected"});
                         }
                         return files;
                       }});
    classes.push_back({fmt::format("gguf model: {} of another type", size), [=] {
                         std::vector<BadFile> files;
                         for (const MetaValue& value :
                              {MetaValue(true), MetaValue(4.0), MetaValue(kNan), MetaValue(std::string("4")),
                               MetaValue(std::vector<double>{4}), MetaValue(std::vector<std::string>{"4"}),
                               MetaValue(std::vector<bool>{true})}) {
                           files.push_back({with_key(key, value), key});
                         }
                         return files;
                       }});
  }
}

void add_gguf_numbers(BadClasses& classes) {
  struct Number {
    const char *family, *key;
    bool may_be_zero;
  };
  static constexpr Number kNumbers[] = {
      {"llama", "llama.rope.freq_base", false},           {"llama", "llama.attention.layer_norm_rms_epsilon", false},
      {"llama", "llama.rope.scaling.attn_factor", false}, {"gemma2", "gemma2.attn_logit_softcapping", true},
      {"gemma2", "gemma2.final_logit_softcapping", true}, {"gemma2", "gemma2.attention.scale", true}};
  for (const Number& number : kNumbers) {
    classes.push_back({fmt::format("gguf model: {} that is no number above 0", number.key), [number] {
                         std::vector<BadFile> files;
                         for (const double n : {kNan, kInfinity, -kInfinity, -1.0, 1e300, -1e300}) {
                           files.push_back({with_key(number.key, n, number.family)});
                         }
                         if (!number.may_be_zero) {
                           for (const double n : {0.0, 1e-300})
                             files.push_back({with_key(number.key, n, number.family)});
                         }
                         return files;
                       }});
  }
  classes.push_back({"gguf model: a rope scaling factor that is none", [] {
                       std::vector<BadFile> files;
                       for (const double n : {kNan, kInfinity, 0.0, -2.0}) {
                         files.push_back({gguf_file([n](Metadata& metadata, std::vector<TensorSource>&) {
                           metadata.set("llama.rope.scaling.type", std::string("linear"));
                           metadata.set("llama.rope.scaling.factor", n);
                         })});
                       }
                       return files;
                     }});
}

void add_gguf_contradictions(BadClasses& classes) {
  using Integers = std::vector<int64_t>;
  const auto add_key = [&](const char* name, const char* key, const MetaValue& value, const char* says,
                           const char* family = "llama") {
    add(classes, fmt::format("gguf model: {}", name), {with_key(key, value, family), says});
  };
  add_key("an architecture nobody knows", "general.architecture", std::string("mamba9"), "known: llama");
  add_key("an architecture without a name", "general.architecture", std::string(), "the architecture ''");
  add_key("an architecture that is a number", "general.architecture", int64_t{1}, "expected a string");
  add_key("another family's keys", "general.architecture", std::string("qwen2"), "'qwen2.");
  add_key("heads that are no multiple of the key/value heads", "llama.attention.head_count", int64_t{3}, "multiple of");
  add_key("more key/value heads than heads", "llama.attention.head_count_kv", int64_t{8}, "key/value head count");
  add_key("no heads", "llama.attention.head_count", int64_t{0}, "llama.attention.head_count");
  add_key("no heads in one layer", "llama.attention.head_count", Integers{4, 0}, "holds 0");
  add_key("heads below zero in one layer", "llama.attention.head_count", Integers{4, -4}, "holds -4");
  add_key("heads of one layer of two", "llama.attention.head_count", Integers{4}, "one for each of 2 layers");
  add_key("heads of no layer", "llama.attention.head_count", Integers{}, "one for each of 2 layers");
  add_key("heads past 32 bits in one layer", "llama.attention.head_count", Integers{4, int64_t{1} << 40}, "holds");
  add_key("an odd rotated width", "llama.rope.dimension_count", int64_t{7}, "even");
  add_key("a rotated width wider than the head", "llama.rope.dimension_count", int64_t{10}, "rotated head width");
  add_key("values wider than keys", "llama.attention.value_length", int64_t{16}, "only equal ones");
  add_key("a rope scaling nobody knows", "llama.rope.scaling.type", std::string("swirl"), "known: none");
  add_key("a rope scaling that is a number", "llama.rope.scaling.type", int64_t{1}, "expected a string");
  add_key("experts that nobody uses", "llama.expert_used_count", int64_t{0}, "expert_used_count", "mixtral");
  add_key("more experts used than there are", "llama.expert_used_count", int64_t{4}, "count of used experts",
          "mixtral");
  add_key("a million experts", "llama.expert_count", int64_t{1'000'000}, "expert count", "mixtral");
  add_key("more positions than rows for them", "gpt2.context_length", int64_t{65}, "position_embd", "gpt2");
  add_key("a window below zero", "gemma2.attention.sliding_window", int64_t{-1}, "sliding_window", "gemma2");
  add_key("a window past 2^31", "gemma2.attention.sliding_window", int64_t{1} << 31, "sliding_window", "gemma2");
  add_key("more tokens than rows of the embedding", "tokenizer.ggml.tokens",
          std::vector<std::string>(kVocabulary + 1, "x"), "do not belong together");
  add_key("a name that is a number", "general.name", int64_t{7}, "'general.name'");
}

// A mixture of experts whose every weight is this.
Files with_weights(float value) {
  const auto change = [value](Metadata&, std::vector<TensorSource>& tensors) {
    for (TensorSource& t : tensors) {
      t.produce = [before = t.produce, value](const ByteSink& put) {
        before([&](std::span<const std::byte> bytes) {
          const std::vector<float> values(bytes.size() / sizeof value, value);
          put(std::as_bytes(std::span(values)));
        });
      };
    }
  };
  return gguf_file(change, "mixtral");
}

void add_gguf_tensors(BadClasses& classes) {
  const auto add_change = [&](const char* name, const char* tensor, std::function<void(TensorSource&)> change,
                              const char* says) {
    add(classes, fmt::format("gguf model: {}", name), {with_tensor(tensor, change), says});
  };
  const auto add_extra = [&](const char* name, const TensorSource& extra, const char* says) {
    add(classes, fmt::format("gguf model: {}", name),
        {gguf_file([&](Metadata&, std::vector<TensorSource>& tensors) { tensors.push_back(extra); }), says});
  };
  const auto become = [](TensorSource source) { return [source](TensorSource& tensor) { tensor = source; }; };
  add_change(
      "a missing tensor", "blk.1.ffn_up.weight", [](TensorSource& t) { t.name = "other"; }, "is missing");
  add_change(
      "a missing embedding", "token_embd.weight", [](TensorSource& t) { t.name = "other"; }, "token_embd.weight");
  add_change(
      "a turned matrix", "blk.0.attn_k.weight", [](TensorSource& t) { std::swap(t.shape[0], t.shape[1]); },
      "expected 16x32");
  add_change(
      "a matrix as a vector", "blk.0.attn_k.weight", [](TensorSource& t) { t.shape = {512}; }, "has shape 512");
  add_change(
      "a matrix of three dimensions", "blk.0.attn_k.weight",
      [](TensorSource& t) {
        t.shape = {2, 16, 16};
      },
      "has shape 2x16x16");
  add_change(
      "an embedding that is a vector", "token_embd.weight", [](TensorSource& t) { t.shape = {340 * 32}; },
      "not a matrix");
  add_change(
      "an embedding of three dimensions", "token_embd.weight",
      [](TensorSource& t) {
        t.shape = {2, 170, 32};
      },
      "not a matrix");
  add_change(
      "a vector as a matrix", "output_norm.weight",
      [](TensorSource& t) {
        t.shape = {1, 32};
      },
      "has shape 1x32");
  add_change("a vector too short", "output_norm.weight", become(zeros("output_norm.weight", {31})), "has shape 31");
  add_change("a vector too long", "output_norm.weight", become(zeros("output_norm.weight", {33})), "has shape 33");
  add_change("a quantised vector too long", "output_norm.weight",
             become(zeros("output_norm.weight", {64}, DType::q8_0)), "has shape 64");
  add_extra("a tensor without a use", zeros("blk.0.attn_mystery.weight", {32}), "attn_mystery");
  add_extra("a tensor of a layer past the last", zeros("blk.2.attn_norm.weight", {32}), "blk.2.attn_norm");
  add_extra("a bias without its fellows", zeros("blk.0.attn_q.bias", {32}), "is missing");
  add_extra("rope factors too few", vector_of("rope_freqs.weight", {1, 1}), "rope factors");
  add_extra("rope factors too many", vector_of("rope_freqs.weight", std::vector<float>(1'000'000, 1.f)),
            "rope factors");
  add_extra("rope factors that are a matrix", zeros("rope_freqs.weight", {2, 2}), "not a vector");
  add_extra("rope factors with a NaN", vector_of("rope_freqs.weight", {1, 1, 1, static_cast<float>(kNan)}),
            "a rope factor");
  add_extra("rope factors with a zero", vector_of("rope_freqs.weight", {1, 0, 1, 1}), "a rope factor");
  add_extra("long rope factors alone", vector_of("rope_factors_long.weight", {1, 1, 1, 1}), "original_context_length");
  classes.push_back({"gguf model: weights that are no numbers", [] {
                       std::vector<BadFile> files;
                       for (const double n : {kNan, kInfinity, -kInfinity}) {
                         files.push_back({with_weights(static_cast<float>(n)), "", Expect::either});
                       }
                       return files;
                     }});
}

// config.json with the value of a key written as `text`.
Files with_config(const std::string& key, const std::string& text) {
  Files files = hf_folder();
  Json config = Json::parse(files.at("config.json"));
  config[key] = "@value@";
  std::string bytes = config.dump();
  bytes.replace(bytes.find("\"@value@\""), 9, text);
  return with(std::move(files), "config.json", bytes);
}

void add_hf_sizes(BadClasses& classes) {
  static constexpr const char* kSizes[] = {
      "hidden_size", "num_attention_heads", "num_key_value_heads",     "intermediate_size",
      "head_dim",    "num_hidden_layers",   "max_position_embeddings", "num_local_experts"};
  for (const std::string size : kSizes) {
    const auto expect = [size](const std::string& text) {
      const bool fine = size == "max_position_embeddings" || (size == "num_local_experts" && text == "0");
      return fine ? Expect::either : Expect::refused;
    };
    classes.push_back({fmt::format("config.json: {} at its boundaries", size), [=] {
                         std::vector<BadFile> files;
                         for (const uint64_t n : kBoundaries) {
                           files.push_back({with_config(size, fmt::format("{}", n)), "", expect(fmt::format("{}", n))});
                         }
                         return files;
                       }});
    classes.push_back({fmt::format("config.json: {} that is no size", size), [=] {
                         std::vector<BadFile> files;
                         for (const char* text : {"-1", "-9223372036854775808", "18446744073709551616", "4.5", "\"4\"",
                                                  "true", "[4]", "[\"a\"]", "{\"a\":1}"}) {
                           // An object is other keys, an optional size is then not there.
                           const bool other_key = text[0] == '{';
                           files.push_back({with_config(size, text), "", other_key ? Expect::either : Expect::refused});
                         }
                         return files;
                       }});
  }
  for (const std::string number : {"rms_norm_eps", "rope_theta", "partial_rotary_factor"}) {
    classes.push_back({fmt::format("config.json: {} that is no number above 0", number), [=] {
                         std::vector<BadFile> files;
                         for (const char* text : {"0", "-1", "1e300", "-1e300", "\"1\"", "true", "[1.5]"}) {
                           files.push_back({with_config(number, text)});
                         }
                         return files;
                       }});
  }
}

void add_hf_contradictions(BadClasses& classes) {
  const auto add_config = [&](const char* name, const char* key, const char* text, const char* says) {
    add(classes, fmt::format("config.json: {}", name), {with_config(key, text), says});
  };
  add_config("no architecture", "architectures", "null", "");
  add_config("architectures that are none", "architectures", "[]", "");
  add_config("architectures that are a string", "architectures", "\"LlamaForCausalLM\"",
             "expected an array of strings");
  add_config("architectures that are numbers", "architectures", "[1]", "expected an array of strings");
  add_config("an architecture nobody knows", "architectures", "[\"MambaForCausalLM\"]", "known: LlamaForCausalLM");
  add_config("an activation nobody knows", "hidden_act", "\"tanh\"", "known: silu");
  add_config("an activation that is a number", "hidden_act", "1", "expected a string");
  add_config("a rope scaling nobody knows", "rope_scaling", R"({"rope_type":"swirl"})", "known: default");
  add_config("a rope scaling whose type is a number", "rope_scaling", R"({"rope_type":1})", "expected a string");
  add_config("a linear rope scaling without a factor", "rope_scaling", R"({"rope_type":"linear"})", "factor");
  add_config("a linear rope scaling by 0", "rope_scaling", R"({"rope_type":"linear","factor":0})", "rope stretch");
  add_config("a linear rope scaling below 0", "rope_scaling", R"({"rope_type":"linear","factor":-8})", "rope stretch");
  add_config("a rope scaling of llama3 without its numbers", "rope_scaling", R"({"rope_type":"llama3","factor":8})",
             "low_freq_factor");
  add_config("a rope scaling of llama3 by 0", "rope_scaling",
             R"({"rope_type":"llama3","factor":0,"low_freq_factor":1,"high_freq_factor":4,)"
             R"("original_max_position_embeddings":8192})",
             "rope factor");
  add_config("a long rope scaling without factors", "rope_scaling", R"({"rope_type":"longrope"})", "short_factor");
  add_config("a long rope scaling of too few factors", "rope_scaling",
             R"({"rope_type":"longrope","short_factor":[1],"long_factor":[1]})", "rope factors");
  add_config("a long rope scaling of words", "rope_scaling",
             R"({"rope_type":"longrope","short_factor":["a"],"long_factor":["b"]})", "expected an array of numbers");
  add_config("a rotated share of 0", "partial_rotary_factor", "0", "partial_rotary_factor");
  add_config("a rotated share above 1", "partial_rotary_factor", "1.5", "partial_rotary_factor");
  add_config("a rotated share of a tiny part", "partial_rotary_factor", "1e-9", "rotated head width");
  add_config("heads that are no multiple of the key/value heads", "num_attention_heads", "3", "multiple of");
}

}  // namespace

BadClasses shape_classes() {
  BadClasses classes;
  add_gguf_sizes(classes);
  add_gguf_numbers(classes);
  add_gguf_contradictions(classes);
  add_gguf_tensors(classes);
  add_hf_sizes(classes);
  add_hf_contradictions(classes);
  return classes;
}

}  // namespace bantam::torture
