#include "formats/hf_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/error.h"
#include "base/file.h"
#include "base/test_folder.h"
#include "formats/gguf.h"
#include "formats/hf_json.h"
#include "formats/hf_pre_tokenizer.h"

namespace bantam {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// The least a byte-level tokenizer.json can be, changed by `change`.
std::string small_json(const std::function<void(SortedJson&)>& change = [](SortedJson&) {}) {
  SortedJson file = SortedJson::parse(R"({
    "added_tokens": [{"id": 3, "content": "<s>", "special": true}, {"id": 5, "content": "<tool>", "special": false}],
    "normalizer": null,
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true},
    "post_processor": null,
    "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true},
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}})");
  change(file);
  return file.dump();
}

Metadata parse(const std::string& text) {
  Metadata metadata("tokenizer");
  read_hf_tokenizer_json(text, "tokenizer.json", metadata);
  return metadata;
}

TEST(HfTokenizer, vocabulary_added_tokens_and_merges_become_ggml_keys) {
  const Metadata metadata = parse(small_json());
  EXPECT_EQ(metadata.string("tokenizer.ggml.model"), "gpt2");
  EXPECT_EQ(metadata.string("tokenizer.ggml.pre"), "gpt-2");
  EXPECT_THAT(metadata.strings("tokenizer.ggml.tokens"), ElementsAre("a", "b", "ab", "<s>", "[PAD4]", "<tool>"));
  EXPECT_THAT(metadata.integers_or_empty("tokenizer.ggml.token_type"), ElementsAre(1, 1, 1, 3, 5, 4));
  EXPECT_THAT(metadata.strings("tokenizer.ggml.merges"), ElementsAre("a b"));
  EXPECT_FALSE(metadata.flag_or("tokenizer.ggml.add_bos_token", true));
}

TEST(HfTokenizer, merges_may_be_pairs) {
  const Metadata metadata =
      parse(small_json([](SortedJson& f) { f["model"]["merges"] = SortedJson::parse(R"([["a", "b"]])"); }));
  EXPECT_THAT(metadata.strings("tokenizer.ggml.merges"), ElementsAre("a b"));
}

TEST(HfTokenizer, a_template_says_whether_prompts_begin_with_bos) {
  const Metadata metadata = parse(small_json([](SortedJson& f) {
    f["post_processor"] = SortedJson::parse(R"({"type": "Sequence", "processors": [{"type": "ByteLevel"},
      {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}]}]})");
  }));
  EXPECT_TRUE(metadata.flag_or("tokenizer.ggml.add_bos_token", false));
  EXPECT_FALSE(metadata.flag_or("tokenizer.ggml.add_eos_token", true));
  EXPECT_EQ(metadata.integer("tokenizer.ggml.bos_token_id", 0, 9), 3);
}

TEST(HfTokenizer, what_would_tokenize_differently_here_is_refused) {
  const std::vector<std::pair<std::string, std::function<void(SortedJson&)>>> cases = {
      {"model.type", [](SortedJson& f) { f["model"]["type"] = "WordPiece"; }},
      {"pre_tokenizer", [](SortedJson& f) { f["model"]["byte_fallback"] = true; }},
      {"normalizer",
       [](SortedJson& f) {
         f["model"]["byte_fallback"] = true;
         f["pre_tokenizer"] = nullptr;
       }},
      {"end_of_word_suffix", [](SortedJson& f) { f["model"]["end_of_word_suffix"] = "</w>"; }},
      {"dropout", [](SortedJson& f) { f["model"]["dropout"] = 0.1; }},
      {"pre_tokenizer", [](SortedJson& f) { f["pre_tokenizer"] = nullptr; }},
      {"pre_tokenizer", [](SortedJson& f) { f["pre_tokenizer"]["add_prefix_space"] = true; }},
      {"pre_tokenizer", [](SortedJson& f) { f["pre_tokenizer"]["use_regex"] = false; }},
      {"normalizer",
       [](SortedJson& f) {
         f["normalizer"] = {{"type", "BertNormalizer"}};
       }},
      {"post_processor",
       [](SortedJson& f) {
         f["post_processor"] = {{"type", "BertProcessing"}};
       }},
      {"decoder",
       [](SortedJson& f) {
         f["decoder"] = {{"type", "WordPiece"}};
       }},
  };
  for (const auto& [field, change] : cases) {
    try {
      parse(small_json(change));
      ADD_FAILURE() << field << " was accepted";
    } catch (const UnsupportedError& e) {
      EXPECT_THAT(e.what(), HasSubstr("tokenizer.json: '")) << field;
      EXPECT_THAT(e.what(), HasSubstr(field));
    }
  }
}

TEST(HfTokenizer, broken_files_are_refused) {
  const std::vector<std::function<void(SortedJson&)>> changes = {
      [](SortedJson& f) { f.erase("model"); },
      [](SortedJson& f) { f["model"] = 1; },
      [](SortedJson& f) { f["model"].erase("vocab"); },
      [](SortedJson& f) { f["model"]["vocab"] = SortedJson::array(); },
      [](SortedJson& f) { f["model"]["vocab"]["a"] = -1; },
      [](SortedJson& f) { f["model"]["vocab"]["a"] = 1.5; },
      [](SortedJson& f) { f["model"]["vocab"]["a"] = "0"; },
      [](SortedJson& f) { f["model"]["vocab"]["a"] = 1 << 20; },
      [](SortedJson& f) { f["model"]["vocab"]["a"] = UINT64_MAX; },
      [](SortedJson& f) { f["model"]["vocab"]["a"] = 1; },
      [](SortedJson& f) { f["model"]["vocab"][""] = 4; },
      [](SortedJson& f) { f["model"]["vocab"]["[PAD4]"] = 6; },
      [](SortedJson& f) { f["model"].erase("merges"); },
      [](SortedJson& f) { f["model"]["merges"] = {1}; },
      [](SortedJson& f) { f["model"]["merges"] = {"ab"}; },
      [](SortedJson& f) { f["model"]["merges"] = {" b"}; },
      [](SortedJson& f) { f["model"]["merges"] = {"a "}; },
      [](SortedJson& f) { f["model"]["merges"] = {"a b c"}; },
      [](SortedJson& f) { f["model"]["merges"] = SortedJson::parse(R"([["a"]])"); },
      [](SortedJson& f) { f["added_tokens"] = 1; },
      [](SortedJson& f) { f["added_tokens"][0] = 1; },
      [](SortedJson& f) { f["added_tokens"][0]["id"] = 0; },
      [](SortedJson& f) { f["added_tokens"][0]["content"] = "a"; },
      [](SortedJson& f) { f["added_tokens"][0]["special"] = 1; },
      [](SortedJson& f) { f["normalizer"] = 1; },
      [](SortedJson& f) {
        f["post_processor"] = {{"type", 1}};
      },
      [](SortedJson& f) {
        f["post_processor"] = {{"type", "TemplateProcessing"}};
      },
      [](SortedJson& f) { f["decoder"] = SortedJson::array(); },
  };
  for (size_t i = 0; i < changes.size(); ++i) {
    EXPECT_THROW(parse(small_json(changes[i])), FormatError) << "case " << i << ": " << small_json(changes[i]);
  }
}

TEST(HfTokenizer, a_vocabulary_survives_being_written_and_read) {
  const TestFolder folder;
  for (const char* pre : {"gpt-2", "llama-bpe", "qwen2", "starcoder"}) {
    Metadata metadata = parse(small_json());
    metadata.set("tokenizer.ggml.pre", std::string(pre));
    metadata.set("tokenizer.ggml.token_type", std::vector<int64_t>{1, 1, 1, 3, 1, 4});
    metadata.set("tokenizer.ggml.bos_token_id", int64_t{3});
    metadata.set("tokenizer.ggml.eos_token_id", int64_t{3});
    metadata.set("tokenizer.ggml.padding_token_id", int64_t{5});
    metadata.set("tokenizer.ggml.add_bos_token", true);
    metadata.set("tokenizer.chat_template", std::string("{{ messages }}"));
    metadata.set("bantam.tokenizer.normalize", std::string("nfc"));
    write_hf_tokenizer(folder.path(), metadata);

    Metadata read("read");
    read_hf_tokenizer(folder.path(), read);
    EXPECT_TRUE(std::ranges::equal(read, metadata)) << pre;
  }
}

TEST(HfTokenizer, special_ids_come_from_the_tokenizer_config_before_the_model_config) {
  const TestFolder folder;
  const auto write = [&](const char* name, const std::string& text) {
    AtomicFile file(folder / name);
    file.write(text);
    file.commit();
  };
  write("tokenizer.json", small_json());
  write("tokenizer_config.json",
        R"({"eos_token": {"content": "<tool>"}, "pad_token": null,
            "chat_template": [{"name": "rag", "template": "r"}, {"name": "default", "template": "d"}]})");
  Metadata metadata("read");
  metadata.set("hf.eos_token_id", int64_t{0});
  metadata.set("hf.bos_token_id", std::vector<int64_t>{3, 1});
  metadata.set("hf.pad_token_id", int64_t{-1});
  read_hf_tokenizer(folder.path(), metadata);
  EXPECT_EQ(metadata.integer("tokenizer.ggml.eos_token_id", 0, 9), 5);
  EXPECT_EQ(metadata.integer("tokenizer.ggml.bos_token_id", 0, 9), 3);
  EXPECT_FALSE(metadata.has("tokenizer.ggml.padding_token_id"));
  EXPECT_EQ(metadata.string("tokenizer.chat_template"), "d");

  write("tokenizer_config.json", R"({"eos_token": "</s>"})");
  EXPECT_THROW(read_hf_tokenizer(folder.path(), metadata), FormatError);
  write("tokenizer_config.json", R"({"chat_template": 1})");
  EXPECT_THROW(read_hf_tokenizer(folder.path(), metadata), FormatError);
}

TEST(HfTokenizer, a_published_vocabulary_survives_being_written_and_read) {
  const auto path = std::filesystem::path(BANTAM_SHARED_DIR) / "tokenizers/ggml-vocab-starcoder.gguf";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "skipped: no shared data";
  const TestFolder folder;
  const Metadata published = read_gguf(path).metadata;
  write_hf_tokenizer(folder.path(), published);
  Metadata read("read");
  read_hf_tokenizer(folder.path(), read);
  for (const char* key : {"pre", "tokens", "merges", "bos_token_id", "eos_token_id"}) {
    const std::string full = std::string("tokenizer.ggml.") + key;
    EXPECT_EQ(*read.find(full), *published.find(full)) << key;
  }
}

TEST(HfTokenizer, a_pre_tokenizer_without_a_name_becomes_expressions) {
  const Metadata metadata = parse(small_json([](SortedJson& f) {
    f["model"]["ignore_merges"] = true;
    f["pre_tokenizer"] = SortedJson::parse(R"x({"type": "Sequence", "pretokenizers": [
      {"type": "Split", "pattern": {"Regex": "[a-z]+|\\s"}, "behavior": "Isolated", "invert": false},
      {"type": "Digits", "individual_digits": true},
      {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]})x");
  }));
  EXPECT_EQ(metadata.string("tokenizer.ggml.pre"), "custom");
  EXPECT_THAT(metadata.strings("bantam.tokenizer.word_patterns"), ElementsAre(R"([a-z]+|\s)", R"(\p{N})"));
  EXPECT_TRUE(metadata.flag_or("bantam.tokenizer.whole_words_first", false));
}

TEST(HfTokenizer, every_named_pre_tokenizer_is_found_again) {
  for (const char* name :
       {"gpt-2", "llama-bpe", "smaug-bpe", "qwen2", "tekken", "gpt-4o", "deepseek-v3", "starcoder"}) {
    EXPECT_EQ(ggml_pre_of(hf_pre_tokenizer(name).value(), ignores_merges(name)), name);
  }
}

TEST(HfTokenizer, the_habits_of_added_tokens_are_kept) {
  const Metadata metadata = parse(small_json([](SortedJson& f) {
    f["added_tokens"][0]["lstrip"] = true;
    f["added_tokens"][1]["rstrip"] = true;
    f["added_tokens"][1]["single_word"] = true;
  }));
  EXPECT_THAT(metadata.integers_or_empty("bantam.tokenizer.lstrip_token_ids"), ElementsAre(3));
  EXPECT_THAT(metadata.integers_or_empty("bantam.tokenizer.rstrip_token_ids"), ElementsAre(5));
  EXPECT_THAT(metadata.integers_or_empty("bantam.tokenizer.single_word_token_ids"), ElementsAre(5));
}

TEST(HfTokenizer, a_sentencepiece_vocabulary_gets_scores_from_its_merges) {
  const Metadata metadata = parse(R"({
    "added_tokens": [{"id": 0, "content": "<unk>", "special": true}],
    "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"},
                   {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
    "decoder": {"type": "Sequence", "decoders": []},
    "model": {"type": "BPE", "byte_fallback": true, "unk_token": "<unk>",
              "vocab": {"<unk>": 0, "<0x41>": 1, "a": 2, "b": 3, "ab": 4, "aab": 5, "aa": 6},
              "merges": ["a b", "a ab", "a a", "aa b"]}})");
  EXPECT_EQ(metadata.string("tokenizer.ggml.model"), "llama");
  EXPECT_TRUE(metadata.flag_or("tokenizer.ggml.add_space_prefix", false));
  EXPECT_THAT(metadata.integers_or_empty("tokenizer.ggml.token_type"), ElementsAre(2, 6, 1, 1, 1, 1, 1));
  EXPECT_THAT(metadata.numbers_or_empty("tokenizer.ggml.scores"), ElementsAre(-5, -5, -5, -5, 0, -1, -2));
  EXPECT_EQ(metadata.integer("tokenizer.ggml.unknown_token_id", 0, 9), 0);
}

TEST(HfTokenizer, normalizers_become_steps_in_order) {
  const auto steps = [](const char* normalizer) {
    const Metadata metadata =
        parse(small_json([&](SortedJson& f) { f["normalizer"] = SortedJson::parse(normalizer); }));
    return *metadata.find("bantam.tokenizer.normalize");
  };
  using Words = std::vector<std::string>;
  EXPECT_EQ(steps(R"({"type": "NFKC"})"), MetaValue(std::string("nfkc")));
  EXPECT_EQ(steps(R"({"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "StripAccents"},
                      {"type": "Sequence", "normalizers": [{"type": "Lowercase"}]},
                      {"type": "Strip", "strip_left": false, "strip_right": true},
                      {"type": "Replace", "pattern": {"String": "``"}, "content": "\""},
                      {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
                      {"type": "Prepend", "prepend": "x"}]})"),
            MetaValue(Words{"nfd", "strip_accents", "lowercase", "strip_right", "replace", "``", "\"",
                            "replace_pattern", " {2,}", " ", "prepend", "x"}));
  EXPECT_EQ(steps(R"({"type": "Strip"})"), MetaValue(Words{"strip_left", "strip_right"}));
  for (const char* broken :
       {R"({"type": "Sequence"})", R"({"type": "Replace", "content": "a"})", R"({"type": "Prepend"})", R"([])",
        R"({"type": "Replace", "pattern": "a", "content": "a"})", R"({"type": "Strip", "strip_left": 1})",
        R"({"type": "Precompiled", "precompiled_charsmap": "abc"})",
        R"({"type": "Precompiled", "precompiled_charsmap": "ab=c"})"}) {
    EXPECT_THROW(steps(broken), FormatError) << broken;
  }
}

TEST(HfTokenizer, a_unigram_vocabulary_keeps_its_scores_and_its_table_of_characters) {
  const SortedJson file = SortedJson::parse(R"({
    "added_tokens": [{"id": 0, "content": "<pad>", "special": true}, {"id": 1, "content": "</s>", "special": true},
                     {"id": 6, "content": "<x>", "special": true}],
    "normalizer": {"type": "Precompiled", "precompiled_charsmap": "AQID/w=="},
    "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"},
                      {"type": "Metaspace", "replacement": "\u2581", "add_prefix_space": true}]},
    "post_processor": {"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A"}}, {"SpecialToken": {"id": "</s>"}}]},
    "decoder": {"type": "Metaspace"},
    "model": {"type": "Unigram", "unk_id": 2,
              "vocab": [["<pad>", 0.0], ["</s>", 0.0], ["<unk>", 0.0], ["\u2581", -2.5], ["a", -3], ["\u2581a", -1.25]]}})");
  const Metadata metadata = parse(file.dump());
  EXPECT_EQ(metadata.string("tokenizer.ggml.model"), "t5");
  EXPECT_THAT(metadata.strings("tokenizer.ggml.tokens"),
              ElementsAre("<pad>", "</s>", "<unk>", "\u2581", "a", "\u2581a", "<x>"));
  EXPECT_THAT(metadata.numbers_or_empty("tokenizer.ggml.scores"), ElementsAre(0, 0, 0, -2.5, -3, -1.25, 0));
  EXPECT_THAT(metadata.integers_or_empty("tokenizer.ggml.token_type"), ElementsAre(3, 3, 2, 1, 1, 1, 3));
  EXPECT_THAT(metadata.integers_or_empty("tokenizer.ggml.precompiled_charsmap"), ElementsAre(1, 2, 3, 255));
  EXPECT_FALSE(metadata.has("bantam.tokenizer.normalize"));
  EXPECT_TRUE(metadata.flag_or("tokenizer.ggml.remove_extra_whitespaces", false));
  EXPECT_TRUE(metadata.flag_or("tokenizer.ggml.add_space_prefix", false));
  EXPECT_TRUE(metadata.flag_or("tokenizer.ggml.add_eos_token", false));
  EXPECT_EQ(metadata.integer("tokenizer.ggml.unknown_token_id", 0, 9), 2);

  const std::vector<std::function<void(SortedJson&)>> breaks = {
      [](SortedJson& f) { f["model"]["unk_id"] = 7; },
      [](SortedJson& f) { f["model"]["unk_id"] = "a"; },
      [](SortedJson& f) { f["model"]["vocab"][4] = "a"; },
      [](SortedJson& f) { f["model"]["vocab"][4] = {"a"}; },
      [](SortedJson& f) { f["model"]["vocab"][4][1] = "b"; },
      [](SortedJson& f) { f["model"]["vocab"][5][0] = "a"; },
      [](SortedJson& f) { f["model"]["vocab"] = SortedJson::object(); },
  };
  for (size_t i = 0; i < breaks.size(); ++i) {
    SortedJson broken = file;
    breaks[i](broken);
    EXPECT_THROW(parse(broken.dump()), FormatError) << i;
  }
}

TEST(HfTokenizer, a_step_that_would_see_no_spaces_any_more_is_refused) {
  SortedJson file = SortedJson::parse(R"({
    "normalizer": {"type": "Sequence", "normalizers": [{"type": "Lowercase"},
                   {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
    "model": {"type": "BPE", "byte_fallback": true, "vocab": {"a": 0}, "merges": []}})");
  EXPECT_EQ(parse(file.dump()).string("bantam.tokenizer.normalize"), "lowercase");
  file["normalizer"]["normalizers"].push_back({{"type", "Strip"}});
  EXPECT_THROW(parse(file.dump()), UnsupportedError);
}

TEST(HfTokenizer, a_sentencepiece_vocabulary_is_not_written) {
  Metadata metadata("llama");
  metadata.set("tokenizer.ggml.model", std::string("llama"));
  EXPECT_THROW(write_hf_tokenizer("unused", metadata), UnsupportedError);
}

}  // namespace
}  // namespace bantam
