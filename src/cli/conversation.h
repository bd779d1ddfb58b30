// What a chat is made of, apart from how it looks: messages, parameters, the engine that answers.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/model_option.h"
#include "cli/run_check.h"
#include "cli/sampling_option.h"
#include "engine/chat_format.h"
#include "engine/generate.h"
#include "text/chat.h"

namespace bantam {

class Conversation {
 public:
  // Throws as open_model(), Tokenizer and Engine do.
  Conversation(const RunOptions& run, const SamplingOptions& sampling, int max_tokens);

  // Adds `text` and the answer to the messages. An answer that was cancelled stays as far as it came. When it throws
  // (UsageError: the conversation no longer fits the context), the messages are as before.
  Generation answer(std::string text, const GenerateEvents& events);
  // Answers the last message of the user again; nothing when there is none.
  std::optional<Generation> retry(const GenerateEvents& events);

  void reset() { messages_.clear(); }
  // An empty text means none.
  void set_system(std::string text) { system_ = std::move(text); }
  const std::string& system() const { return system_; }
  const std::vector<ChatMessage>& messages() const { return messages_; }

  // Runs the same conversation on another model. On an error the old one stays.
  void use_model(const std::string& path);
  std::string describe_model() const;

  // "temperature 0.7" lines, and a change of one. Throws UsageError for another name or a value out of range.
  std::string describe_params() const;
  void set_param(std::string_view name, std::string_view value);

  // As JSON: {"system": ..., "messages": [{"role", "content"}]}. load() checks everything before it changes anything.
  void save(const std::filesystem::path& path) const;
  void load(const std::filesystem::path& path);

 private:
  struct Loaded {
    explicit Loaded(const RunOptions& run);
    Loaded(std::string shown, const ModelToRun& opened);

    std::string title;
    Engine engine;
    ChatFormat format;
  };

  RunOptions run_;
  SamplerParams params_;
  std::vector<std::string> stops_;
  int max_tokens_;
  std::unique_ptr<Loaded> loaded_;
  std::string system_;
  std::vector<ChatMessage> messages_;
};

}  // namespace bantam
