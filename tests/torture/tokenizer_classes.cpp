// What a vocabulary may get wrong: in the keys of a GGUF file and in tokenizer.json.
#include <fmt/format.h>

#include <limits>

#include "base/json.h"
#include "base_files.h"
#include "text/test_vocabularies.h"

namespace bantam::torture {
namespace {

using Strings = std::vector<std::string>;
using Integers = std::vector<int64_t>;
using Numbers = std::vector<double>;

Files with_vocabulary(Metadata vocabulary, const std::string& key, const MetaValue& value) {
  vocabulary.set("tokenizer.ggml." + key, value);
  return gguf_file({}, "llama", vocabulary);
}

// A vocabulary with one token's text, type or score changed.
template <class T>
Files with_entry(Metadata vocabulary, const std::string& key, size_t at, const T& value) {
  auto list = std::get<std::vector<T>>(*vocabulary.find("tokenizer.ggml." + key));
  list[at] = value;
  return with_vocabulary(std::move(vocabulary), key, list);
}

// A model with room for `tokens` of these texts, all of one type.
Files crowded(const std::string& model, const Strings& tokens, int64_t type) {
  Metadata vocabulary("vocabulary");
  vocabulary.set("tokenizer.ggml.model", model);
  vocabulary.set("tokenizer.ggml.tokens", tokens);
  vocabulary.set("tokenizer.ggml.token_type", Integers(tokens.size(), type));
  vocabulary.set("tokenizer.ggml.scores", Numbers(tokens.size(), -1));
  vocabulary.set("tokenizer.ggml.unknown_token_id", int64_t{0});
  const auto rows = static_cast<int64_t>(tokens.size());
  return gguf_file(
      [rows](Metadata&, std::vector<TensorSource>& tensors) {
        for (TensorSource& t : tensors) {
          if (t.name != "token_embd.weight" && t.name != "output.weight") continue;
          t.shape = {rows, 32};
          t.produce = [rows](const ByteSink& put) { put(std::vector<std::byte>(static_cast<size_t>(rows) * 128)); };
        }
      },
      "llama", vocabulary);
}

void add_keys(BadClasses& classes) {
  const auto add_key = [&](const char* name, const char* key, const MetaValue& value, const char* says,
                           Expect expect = Expect::refused) {
    add(classes, fmt::format("vocabulary: {}", name),
        {with_vocabulary(byte_level_vocabulary(), key, value), says, expect});
  };
  add_key("a model nobody knows", "model", std::string("wordpiece"), "this build knows");
  add_key("a model that is a number", "model", int64_t{1}, "expected a string");
  add_key("tokens that are numbers", "tokens", Integers(kVocabulary, 1), "expected an array of strings");
  add_key("tokens that are one string", "tokens", std::string("abc"), "expected an array of strings");
  add_key("no tokens", "tokens", Strings{}, "'tokenizer.ggml.tokens' has 0 entries");
  add_key("one token", "tokens", Strings{"a"}, "");
  add_key("tokens that are all the same", "tokens", Strings(kVocabulary, "a"), "");
  add_key("tokens that are all empty", "tokens", Strings(kVocabulary), "");
  add_key("too few types", "token_type", Integers{1, 1}, "one for each of 340 tokens");
  add_key("types that are numbers with a fraction", "token_type", Numbers(kVocabulary, 1.5),
          "expected an array of integers");
  add_key("types that are words", "token_type", Strings(kVocabulary, "normal"), "expected an array of integers");
  add_key("types that are past 2^63", "token_type", std::vector<uint64_t>(kVocabulary, UINT64_MAX),
          "expected an array of integers");
  add_key("merges that are one string", "merges", std::string("a b"), "expected an array of strings");
  add_key("a merge of no bytes", "merges", Strings{""}, "expected two tokens");
  add_key("a merge without a space", "merges", Strings{"th"}, "expected two tokens");
  add_key("a merge of a space", "merges", Strings{" "}, "expected two tokens");
  add_key("a merge that begins with a space", "merges", Strings{" a"}, "expected two tokens");
  add_key("a merge of tokens nobody knows", "merges", Strings{"qz zq"}, "expected two tokens");
  add_key("a merge to a token nobody knows", "merges", Strings{"q q"}, "expected two tokens");
  add_key("the same merge twice", "merges", Strings{"t h", "t h"}, "", Expect::either);
  add_key("a pre-tokenizer nobody knows", "pre", std::string("swirl"), "", Expect::either);
  add_key("a pre-tokenizer that is a number", "pre", int64_t{3}, "expected a string");
  add_key("a flag that is a number", "add_bos_token", int64_t{1}, "expected a bool");
  add(classes, "vocabulary: no model",
      {gguf_file({}, "llama",
                 [] {
                   Metadata metadata("vocabulary");
                   for (const auto& [key, value] : byte_level_vocabulary()) {
                     if (key != "tokenizer.ggml.model") metadata.set(key, value);
                   }
                   return metadata;
                 }()),
       "'tokenizer.ggml.model' is missing"});
  add(classes, "vocabulary: a normal form nobody knows",
      {gguf_file([](Metadata& m, auto&) { m.set("bantam.tokenizer.normalize", std::string("nfx")); }), "this build knows nfc"});
  for (const char* key : {"lstrip_token_ids", "rstrip_token_ids", "single_word_token_ids"}) {
    classes.push_back({fmt::format("vocabulary: {} outside of it", key), [key] {
                         std::vector<BadFile> files;
                         for (const int64_t id : {int64_t{kVocabulary}, int64_t{-1}, INT64_MIN, INT64_MAX}) {
                           files.push_back({gguf_file([&](Metadata& m, auto&) {
                                              m.set(fmt::format("bantam.tokenizer.{}", key), Integers{id});
                                            }),
                                            "names token"});
                         }
                         return files;
                       }});
  }
}

void add_entries(BadClasses& classes) {
  classes.push_back(
      {"vocabulary: a token type that is none", [] {
         std::vector<BadFile> files;
         for (const int64_t type : {int64_t{0}, int64_t{7}, int64_t{-1}, int64_t{INT32_MAX}, INT64_MAX}) {
           files.push_back({with_entry<int64_t>(byte_level_vocabulary(), "token_type", 5, type), "expected 1 to 6"});
         }
         return files;
       }});
  classes.push_back(
      {"vocabulary: a token of strange bytes", [] {
         std::vector<BadFile> files;
         for (const std::string& text : {std::string("\xFF\xFE"), std::string("\0", 1), std::string("\xF0\x9F")}) {
           files.push_back({with_entry<std::string>(byte_level_vocabulary(), "tokens", 339, text), "", Expect::either});
           files.push_back(
               {with_entry<std::string>(sentencepiece_vocabulary(), "tokens", 262, text), "", Expect::either});
           files.push_back({with_entry<std::string>(unigram_vocabulary(), "tokens", 262, text), "", Expect::either});
         }
         return files;
       }});
  classes.push_back(
      {"vocabulary: a token of 1025 bytes", [] {
         const std::string text(1025, 'x');
         return std::vector<BadFile>{
             {with_entry<std::string>(byte_level_vocabulary(), "tokens", 9, text), "expected at most"},
             {with_entry<std::string>(unigram_vocabulary(), "tokens", 9, text), "expected at most"}};
       }});
  for (const char* name : {"bos", "eos", "unknown", "padding", "eot", "eom"}) {
    const std::string key = fmt::format("{}_token_id", name);
    classes.push_back({fmt::format("vocabulary: {} at its boundaries", key), [key] {
                         std::vector<BadFile> files;
                         for (const uint64_t n : kBoundaries) {
                           const bool fine = n < kVocabulary || n == UINT32_MAX;  // 2^32 - 1 is "none"
                           files.push_back({with_vocabulary(byte_level_vocabulary(), key, integer_value(n)),
                                            fine ? "" : key, fine ? Expect::either : Expect::refused});
                         }
                         for (const MetaValue& value :
                              {MetaValue(int64_t{-2}), MetaValue(INT64_MIN), MetaValue(int64_t{kVocabulary}),
                               MetaValue(1.0), MetaValue(std::string("<s>")), MetaValue(Integers{1})}) {
                           files.push_back({with_vocabulary(byte_level_vocabulary(), key, value), key});
                         }
                         return files;
                       }});
  }
}

void add_sentencepiece(BadClasses& classes) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kInfinity = std::numeric_limits<double>::infinity();
  for (const bool unigram : {false, true}) {
    const auto vocabulary = [unigram] { return unigram ? unigram_vocabulary() : sentencepiece_vocabulary(); };
    const char* kind = unigram ? "unigram" : "SentencePiece";
    const auto add_class = [&](const char* name, auto make) {
      classes.push_back({fmt::format("{} vocabulary: {}", kind, name), [=] { return make(vocabulary()); }});
    };
    const size_t count = vocabulary().strings("tokenizer.ggml.tokens").size();
    add_class("a score that is no finite number", [=](const Metadata& v) {
      std::vector<BadFile> files;
      for (const double score : {kNan, kInfinity, -kInfinity}) {
        files.push_back({with_entry<double>(v, "scores", 260, score), "'tokenizer.ggml.scores' entry 260"});
        files.push_back({with_entry<double>(v, "scores", 1, score), "'tokenizer.ggml.scores' entry 1"});
      }
      return files;
    });
    add_class("scores at the end of their range", [=](const Metadata& v) {
      std::vector<BadFile> files;
      for (const double score : {1.7e308, -1.7e308}) {
        files.push_back({with_vocabulary(v, "scores", Numbers(count, score)), "", Expect::either});
      }
      return files;
    });
    add_class("no scores", [=](const Metadata& v) {
      return std::vector<BadFile>{{with_vocabulary(v, "scores", Numbers{}), "one for each of"}};
    });
    add_class("too many scores", [=](const Metadata& v) {
      return std::vector<BadFile>{{with_vocabulary(v, "scores", Numbers(count + 1, 0.5)), "one for each of"}};
    });
    add_class("scores that are words", [=](const Metadata& v) {
      return std::vector<BadFile>{{with_vocabulary(v, "scores", Strings(count, "a")), "expected an array of numbers"}};
    });
    add_class("a byte that is none", [=](const Metadata& v) {
      std::vector<BadFile> files;
      for (const char* text : {"<0xGG>", "<0x0>", "<0x0A", "0x0A", "", "<0x-1>", "<0x 1>"}) {
        files.push_back({with_entry<std::string>(v, "tokens", 5, text), "expected <0x00> to <0xFF>"});
      }
      return files;
    });
    add_class("pieces that are all control tokens", [=](const Metadata& v) {
      return std::vector<BadFile>{{with_vocabulary(v, "token_type", Integers(count, 3)), "", Expect::either}};
    });
    add_class("pieces that nobody uses", [=](const Metadata& v) {
      return std::vector<BadFile>{{with_vocabulary(v, "token_type", Integers(count, 5)), "", Expect::either}};
    });
    add_class("a table of characters that is none", [=](const Metadata& v) {
      std::vector<BadFile> files;
      const Integers good = unigram_vocabulary().integers_or_empty("tokenizer.ggml.precompiled_charsmap");
      for (const Integers& table :
           {Integers{1}, Integers{0, 0, 0, 0}, Integers{255, 255, 255, 255, 0}, Integers{4, 0, 0, 0, 1, 2, 3},
            Integers{4, 0, 0, 0, 1, 2, 3, 4}, Integers{4, 0, 0, 0, 1, 2, 3, 4, 65},
            Integers(good.begin(), good.end() - 1), Integers(good.begin(), good.begin() + 100)}) {
        files.push_back({with_vocabulary(v, "precompiled_charsmap", table), "table of characters"});
      }
      return files;
    });
    add_class("a table of characters that leads in circles", [=](const Metadata& v) {
      std::vector<BadFile> files;
      for (const int64_t byte : {0, 1, 0x41, 0xFF}) {
        Integers table(4 + 4096 + 2, byte);
        table[0] = 0, table[1] = 16, table[2] = table[3] = 0;
        table.back() = 0;
        files.push_back({with_vocabulary(v, "precompiled_charsmap", table), "", Expect::either});
      }
      return files;
    });
    add_class("a table of characters that writes a book for one", [=](const Metadata& v) {
      Integers table;
      for (const char c : testing_text::chars_map_bytes({{"t", std::string(500'000, 'x')}})) {
        table.push_back(static_cast<uint8_t>(c));
      }
      return std::vector<BadFile>{{with_vocabulary(v, "precompiled_charsmap", table), "table of characters"}};
    });
    add_class("a thousand long pieces", [=](const Metadata&) {
      Strings tokens;
      for (int i = 0; i < 1000; ++i) tokens.push_back(fmt::format("{}{}", std::string(1000, 't'), i));
      return std::vector<BadFile>{{crowded(unigram ? "t5" : "llama", tokens, 1), "", Expect::either}};
    });
    add_class("a thousand long marks", [=](const Metadata&) {
      Strings tokens;
      for (int i = 0; i < 1000; ++i) tokens.push_back(fmt::format("{}{}", i, std::string(1000, 't')));
      return std::vector<BadFile>{{crowded(unigram ? "t5" : "llama", tokens, 4), "", Expect::either}};
    });
  }
}

// tokenizer.json with a value in the place of another; a text that is no JSON is put in as it is.
Files with_json(const std::string& pointer, const std::string& text, const std::string& file = "tokenizer.json") {
  Files files = hf_folder();
  Json json = Json::parse(files.at(file));
  json[Json::json_pointer(pointer)] = "@value@";
  std::string bytes = json.dump();
  bytes.replace(bytes.find("\"@value@\""), 9, text);
  return with(std::move(files), file, bytes);
}

void add_tokenizer_json(BadClasses& classes) {
  const auto add_json = [&](const char* name, const char* pointer, const char* text, const char* says,
                            Expect expect = Expect::refused) {
    add(classes, fmt::format("tokenizer.json: {}", name), {with_json(pointer, text), says, expect});
  };
  add_json("no model", "/model", "null", "'model' is missing");
  add_json("a model that is an array", "/model", "[]", "'model' is a JSON array");
  add_json("a model nobody knows", "/model/type", "\"WordPiece\"", "model.type");
  add_json("a model whose type is a number", "/model/type", "1", "'type' is a JSON number");
  add_json("no vocabulary", "/model/vocab", "null", "'vocab' is missing");
  add_json("a vocabulary that is a number", "/model/vocab", "7", "'vocab' is a JSON number");
  add_json("an empty vocabulary", "/model/vocab", "{}", "");
  add_json("a token without text", "/model/vocab/", "3", "is empty");
  add_json("a token of control characters", "/model/vocab/~1", "\"a\"", "expected 0 to");
  add_json("merges that are an object", "/model/merges", "{}", "'merges' is a JSON object");
  add_json("no merges", "/model/merges", "null", "'merges' is missing");
  for (const char* merge : {"1", "null", "\"\"", "\"a\"", "\" a\"", "\"a \"", "\"a b c\"", "[]", "[\"a\"]", "[\"a\",1]",
                            "[\"a\",\"b\",\"c\"]", "[\"\",\"a\"]", "{}"}) {
    add(classes, fmt::format("tokenizer.json: the merge {}", merge), {with_json("/model/merges/0", merge), "merge 0"});
  }
  add_json("a merge of tokens nobody knows", "/model/merges/0", "\"qz zq\"", "expected two tokens");
  add_json("a dropout", "/model/dropout", "0.5", "model.dropout");
  add_json("a dropout that is a word", "/model/dropout", "\"a\"", "model.dropout");
  add_json("an end of word", "/model/end_of_word_suffix", "\"</w>\"", "end_of_word_suffix");
  add_json("a flag that is a number", "/model/ignore_merges", "1", "'ignore_merges' is a JSON number");
  add_json("a pre-tokenizer nobody knows", "/pre_tokenizer", R"({"type":"Swirl"})", "pre_tokenizer");
  add_json("a pre-tokenizer that is a word", "/pre_tokenizer", "\"ByteLevel\"", "pre_tokenizer");
  add_json("a pre-tokenizer that is missing", "/pre_tokenizer", "null", "pre_tokenizer");
  add_json("a sequence of nothing", "/pre_tokenizer", R"({"type":"Sequence","pretokenizers":[]})", "pre_tokenizer");
  add_json("a sequence that is a word", "/pre_tokenizer", R"({"type":"Sequence","pretokenizers":"a"})",
           "pre_tokenizer");
  add_json("a sequence of numbers", "/pre_tokenizer", R"({"type":"Sequence","pretokenizers":[1]})", "pre_tokenizer");
  add_json("a normalizer nobody knows", "/normalizer", R"({"type":"Swirl"})", "normalizer");
  add_json("a normalizer that is a number", "/normalizer", "1", "'type' of a normalizer is missing");
  add_json("a decoder nobody knows", "/decoder", R"({"type":"Swirl"})", "decoder");
  add_json("a decoder that is a list", "/decoder", "[1]", "'type' is missing");
  add_json("a post-processor nobody knows", "/post_processor", R"({"type":"Swirl"})", "post_processor");
  add_json("sequences of post-processors without an end", "/post_processor",
           R"({"type":"Sequence","processors":[{"type":"Sequence","processors":[]}]})", "post_processor");
  add_json("a template of tokens nobody knows", "/post_processor",
           R"({"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<swirl>"}}]})", "<swirl>");
  add_json("a template of numbers", "/post_processor", R"({"type":"TemplateProcessing","single":[1]})",
           "'SpecialToken' is missing");
  add_json("a template that is a word", "/post_processor", R"({"type":"TemplateProcessing","single":"a"})",
           "'single' is a JSON string");
  add_json("added tokens that are an object", "/added_tokens", "{}", "'added_tokens' is not an array");
  add_json("added tokens that are numbers", "/added_tokens", "[1]", "'content' is missing");
  add_json("an added token without an id", "/added_tokens", R"([{"content":"<x>"}])", "'id' is missing");
  add_json("an added token without text", "/added_tokens", R"([{"content":"","id":400}])", "is empty");
  add_json("an added token with a strange flag", "/added_tokens/0/special", "\"yes\"", "'special' is a JSON string");
  add_json("bytes of SentencePiece without a normalizer", "/model/byte_fallback", "true", "");

  const auto add_ids = [&](const char* name, const char* pointer, auto wrap) {
    classes.push_back({fmt::format("tokenizer.json: {}", name), [=] {
                         std::vector<BadFile> files;
                         for (const uint64_t n : kBoundaries)
                           files.push_back({with_json(pointer, wrap(fmt::format("{}", n)))});
                         for (const char* text : {"-1", "1.5", "\"1\"", "[1]", "18446744073709551616", "1048575",
                                                  "1048576", "500000", "340"}) {
                           files.push_back({with_json(pointer, wrap(text))});
                         }
                         return files;
                       }});
  };
  add_ids("the id of a token", "/model/vocab/t", [](const std::string& id) { return id; });
  add_ids("the id of an added token", "/added_tokens/0",
          [](const std::string& id) { return fmt::format(R"({{"content":"<new>","id":{},"special":true}})", id); });
}

void add_patterns(BadClasses& classes) {
  struct Row {
    const char *name, *expression;
    Expect expect;
  };
  static constexpr Row kRows[] = {
      {"an open bracket", "(", Expect::refused},
      {"an open class", "[a", Expect::refused},
      {"a count turned round", "a{2,1}", Expect::refused},
      {"a property nobody knows", "\\\\p{Swirl}", Expect::refused},
      {"a reference to nothing", "\\\\7", Expect::refused},
      {"one that is too large", "((((a{1000}){1000}){1000}){1000})", Expect::refused},
      {"one that backtracks without an end", "(\\\\w+\\\\W*)+$|(.+)+[^\\\\s\\\\S]", Expect::either},
      {"one that calls itself", "(?R)|a(?R)b", Expect::either},
      {"one that matches nothing", "", Expect::either},
      {"one that matches the empty text", "a*", Expect::either},
      {"bytes one by one", "\\\\C", Expect::refused},
  };
  for (const Row& row : kRows) {
    const std::string json = fmt::format(
        R"({{"type":"Sequence","pretokenizers":[{{"type":"Split","behavior":"Isolated","invert":false,)"
        R"("pattern":{{"Regex":"{}"}}}},{{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}}]}})",
        row.expression);
    add(classes, fmt::format("tokenizer.json: an expression: {}", row.name),
        {with_json("/pre_tokenizer", json), "", row.expect});
  }
  classes.push_back({"tokenizer.json: an expression: brackets without an end", [] {
                       const std::string json = fmt::format(
                           R"({{"type":"Split","behavior":"Isolated","invert":false,"pattern":{{"Regex":"{}{}"}}}})",
                           std::string(10'000, '('), std::string(10'000, ')'));
                       return std::vector<BadFile>{{with_json("/pre_tokenizer", json)}};
                     }});
}

void add_config(BadClasses& classes) {
  const auto add_json = [&](const char* name, const char* pointer, const char* text, const char* says) {
    add(classes, fmt::format("tokenizer_config.json: {}", name),
        {with_json(pointer, text, "tokenizer_config.json"), says});
  };
  add_json("a bos token nobody knows", "/bos_token", "\"<swirl>\"", "is not in the vocabulary");
  add_json("a template that is a number", "/chat_template", "1", "'chat_template' is neither");
  add_json("a template that is an object", "/chat_template", "{}", "'chat_template' is neither");
  add_json("templates of which none is for chat", "/chat_template", R"([{"name":"tool_use","template":"a"}])",
           "'chat_template' is neither");
  add_json("templates without a text", "/chat_template", R"([{"name":"default"}])", "'chat_template' is neither");
  add_json("templates that are numbers", "/chat_template", "[1,2]", "'chat_template' is neither");
  add_json("a template that is broken", "/chat_template", "\"{% if %}\"", "tokenizer.chat_template: line 1");
}

}  // namespace

BadClasses tokenizer_classes() {
  BadClasses classes;
  add_keys(classes);
  add_entries(classes);
  add_sentencepiece(classes);
  add_tokenizer_json(classes);
  add_patterns(classes);
  add_config(classes);
  return classes;
}

}  // namespace bantam::torture
