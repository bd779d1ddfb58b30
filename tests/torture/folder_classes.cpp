// What a Hugging Face folder may get wrong: files that are missing or do not fit each other, and JSON that is none.
#include <fmt/format.h>

#include "base/json.h"
#include "base_files.h"

namespace bantam::torture {
namespace {

constexpr const char* kIndex = "model.safetensors.index.json";

std::string repeated(const std::string& text, int count) {
  std::string out;
  while (count-- > 0) out += text;
  return out;
}

// Text that is no JSON object, for each file that must be one.
void add_json(BadClasses& classes) {
  struct Row {
    const char* name;
    std::string text;
  };
  const std::vector<Row> rows = {
      {"no bytes", ""},
      {"spaces only", "  \n"},
      {"null", "null"},
      {"an array", "[]"},
      {"a number", "1"},
      {"a string", "\"a\""},
      {"an object without an end", "{\"a\":1"},
      {"a string without an end", "{\"a\":\"b"},
      {"bytes after the object", "{}x"},
      {"two objects", "{}{}"},
      {"invalid UTF-8", "{\"a\":\"\xC3\x28\"}"},
      {"invalid UTF-8 in a key", "{\"\xFF\":1}"},
      {"half a surrogate pair", "{\"a\":\"\\ud800\"}"},
      {"a control character in a string", "{\"a\":\"\x01\"}"},
      {"a null byte", std::string("{\"a\":\0}", 7)},
      {"a comment", "{/* */}"},
      {"a number that is none", "{\"a\":NaN}"},
      {"a number past every range", "{\"a\":1e999}"},
      {"a number of 100,000 digits", "{\"a\":1" + std::string(100'000, '0') + "}"},
      {"arrays 100,000 deep", "{\"a\":" + std::string(100'000, '[')},
      {"objects 100,000 deep", repeated("{\"a\":", 100'000)},
      {"closed arrays 100,000 deep", "{\"a\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}"},
  };
  for (const std::string name : {"config.json", "tokenizer.json", "tokenizer_config.json", kIndex}) {
    for (const Row& row : rows) {
      classes.push_back(
          {fmt::format("{}: {}", name, row.name), [=] {
             return std::vector<BadFile>{{with(name == kIndex ? sharded_folder() : hf_folder(), name, row.text), name}};
           }});
    }
    classes.push_back({fmt::format("{}: cut in many places", name), [=] {
                         const Files good = name == kIndex ? sharded_folder() : hf_folder();
                         std::vector<BadFile> files;
                         const std::string text = good.at(name).substr(0, good.at(name).rfind('}') + 1);
                         for (size_t end = 0; end < text.size(); end += 1 + text.size() / 50) {
                           files.push_back({with(good, name, text.substr(0, end)), name});
                         }
                         return files;
                       }});
  }
}

void add_missing_files(BadClasses& classes) {
  add(classes, "config.json: a key with a dot that is an object's too",
      {with(hf_folder(), "config.json", R"({"a.b":1,"a":{"b":2}})"), "occurs twice"});
  add(classes, "config.json: two million bytes of spaces",
      {with(hf_folder(), "config.json", std::string(2'000'000, ' ') + "{}"), "expected at most 1048576"});
  add(classes, "folder: no config.json", {without(hf_folder(), "config.json"), "config.json"});
  add(classes, "folder: no weights", {without(hf_folder(), "model.safetensors"), "has neither"});
  add(classes, "folder: other weights only",
      {with(without(hf_folder(), "model.safetensors"), "pytorch_model.bin", "PK"), "converted to safetensors"});
  add(classes, "folder: weights of no bytes", {with(hf_folder(), "model.safetensors", ""), "too short"});
  add(classes, "folder: weights that are a GGUF file",
      {with(hf_folder(), "model.safetensors", gguf_file().at("model.gguf")), "is it a safetensors file?"});
}

void add_indexes(BadClasses& classes) {
  const auto add_index = [&](const char* name, const std::string& text, const char* says) {
    add(classes, fmt::format("index: {}", name), {with(sharded_folder(), kIndex, text), says});
  };
  add_index("no map", "{}", "no object 'weight_map'");
  add_index("a map that is null", R"({"weight_map": null})", "no object 'weight_map'");
  add_index("a map that is an array", R"({"weight_map": []})", "no object 'weight_map'");
  add_index("an empty map", R"({"weight_map": {}})", "");
  add_index("a shard that is a number", R"({"weight_map": {"a": 1}})", "expected a file name");
  add_index("a shard that is null", R"({"weight_map": {"a": null}})", "expected a file name");
  add_index("a shard without a name", R"({"weight_map": {"a": ""}})", "expected a .safetensors file");
  add_index("a shard above the folder", R"({"weight_map": {"a": "../model-1.safetensors"}})",
            "expected a .safetensors file of this folder");
  add_index("a shard anywhere", R"({"weight_map": {"a": "/etc/model.safetensors"}})",
            "expected a .safetensors file of this folder");
  add_index("a shard of another kind", R"({"weight_map": {"a": "config.json"}})", "expected a .safetensors file");
  add_index("a shard whose name is a null byte", R"({"weight_map": {"a": "\u0000.safetensors"}})", "");
  add_index("a shard whose name is too long", R"({"weight_map": {"a": ")" + std::string(5000, 'x') + ".safetensors\"}}",
            "");
  add_index("a shard that is missing", R"({"weight_map": {"a": "model-3.safetensors"}})", "model-3.safetensors");
  add_index("fewer tensors than the shard has", R"({"weight_map": {"a": "model-1.safetensors"}})", "lists 1 of it");
  classes.push_back({"index: a tensor in two shards", [] {
                       const Files good = sharded_folder();
                       Files bad = with(good, "model-2.safetensors", good.at("model-1.safetensors"));
                       Json index = Json::parse(good.at(kIndex));
                       Json map = index["weight_map"];
                       for (auto& [tensor, shard] : map.items()) {
                         if (shard == "model-2.safetensors") index["weight_map"].erase(tensor);
                       }
                       for (auto& [tensor, shard] : map.items()) {
                         if (shard == "model-1.safetensors") index["weight_map"][tensor + "2"] = "model-2.safetensors";
                       }
                       bad[kIndex] = index.dump();
                       return std::vector<BadFile>{{bad, "two tensors are named"}};
                     }});
  classes.push_back({"index: a shard cut short", [] {
                       Files files = sharded_folder();
                       std::string& shard = files.at("model-2.safetensors");
                       shard.resize(shard.size() / 2);
                       return std::vector<BadFile>{{files, "model-2.safetensors"}};
                     }});
}

void add_tensors(BadClasses& classes) {
  using Tensors = std::vector<TensorSource>;
  const auto change_norm = [](const std::function<void(TensorSource&)>& change) {
    return hf_folder([&](Metadata&, Tensors& tensors) {
      for (TensorSource& t : tensors) {
        if (t.name == "model.norm.weight") change(t);
      }
    });
  };
  const auto halves = [](std::vector<int64_t> shape, size_t count) {
    return [=](TensorSource& t) {
      t.dtype = DType::f16;
      t.shape = shape;
      t.produce = [count](const ByteSink& put) { put(std::vector<std::byte>(2 * count)); };
    };
  };
  add(classes, "folder: a norm that is one number", {change_norm(halves({}, 1)), "model.norm.weight"});
  add(classes, "folder: a norm that is a matrix", {change_norm(halves({32, 1}, 32)), "model.norm.weight"});
  add(classes, "folder: a norm of no values", {change_norm(halves({31}, 31)), "model.norm.weight"});
  classes.push_back({"folder: a model one wide whose norm is one number", [] {
                       const TensorSource embedding = {
                           "model.embed_tokens.weight", DType::f32, {kVocabulary, 1}, [](const ByteSink& put) {
                             put(std::vector<std::byte>(4 * kVocabulary));
                           }};
                       TensorSource norm = {"model.norm.weight", DType::f16, {}, [](const ByteSink& put) {
                                              put(std::vector<std::byte>(2));
                                            }};
                       Files files = hf_folder([&](Metadata& metadata, Tensors& tensors) {
                         metadata.set("hf.hidden_size", int64_t{1});
                         tensors = {embedding, norm};
                       });
                       return std::vector<BadFile>{{files, "is missing"}};
                     }});
  add(classes, "folder: a missing norm",
      {change_norm([](TensorSource& t) { t.name = "model.norm.other"; }), "is missing"});
}

}  // namespace

BadClasses folder_classes() {
  BadClasses classes;
  add_json(classes);
  add_missing_files(classes);
  add_indexes(classes);
  add_tensors(classes);
  return classes;
}

}  // namespace bantam::torture
