// What the server needs of the models it serves: the one interface between HTTP and the engine. Tests have a fake one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/constraint.h"
#include "engine/request.h"
#include "text/chat.h"
#include "text/grammar/answer_form.h"

namespace bantam {

struct ModelCard {
  std::string name;
  int64_t created_s = 0;  // Unix time
  int context = 0;        // most tokens of prompt and answer together
  uint64_t bytes = 0, parameters = 0;
  std::string family, format;  // "llama", "Q4_0"
  std::string digest;          // SHA-256 in hexadecimal; empty for a model inside the program
  std::string chat_template;
  bool loaded = false;
  bool infills = false;   // its vocabulary has marks for text to be filled in
  bool embedded = false;  // inside this program: too small to write answers from documents
  uint64_t memory = 0;    // to run it; 0: not known
  std::string licence;    // as its file says; empty: it does not
};

// A request that runs. Destroyed, it is cancelled.
class Running {
 public:
  virtual ~Running() = default;
  // The next event, or nothing yet: asked again after Request::on_event.
  virtual std::optional<Event> try_next() = 0;
};

// A model that stays loaded while this exists. Used by one thread at a time.
class OpenModel {
 public:
  virtual ~OpenModel() = default;

  virtual const ModelCard& card() const = 0;
  virtual const Tokenizer& tokenizer() const = 0;
  // The conversation in the model's own form up to where the answer begins. `tools`: a JSON list, or empty. Throws
  // UsageError when the model's template does not take it.
  virtual std::vector<int32_t> chat_prompt(std::span<const ChatMessage> messages, const std::string& tools) const = 0;
  // What ends an answer to chat_prompt() besides the vocabulary's tokens.
  virtual std::vector<std::string> chat_stops() const = 0;
  // A prompt for the text between two others; only where ModelCard::infills.
  virtual std::vector<int32_t> infill_prompt(std::string_view before, std::string_view after) const = 0;
  // For a request whose prompt ends with `previous`. Throws UnsupportedError for a form that cannot be held to,
  // FormatError for a definition that is none.
  virtual std::unique_ptr<Constraint> constraint(const AnswerForm& form, int32_t previous) const = 0;
  // Nothing but sentences that cite 1 to `sources` (text/cited_text.h). Throws UnsupportedError when it cannot.
  virtual std::unique_ptr<Constraint> cited_text(int sources) const = 0;
  // Throw as Engine's.
  virtual std::unique_ptr<Running> submit(Request request) = 0;
  virtual std::unique_ptr<Running> embed(EmbedRequest request) = 0;
};

struct BackendStats {
  uint64_t waiting = 0, running = 0;                                     // requests now
  uint64_t pages_used = 0, pages_total = 0;                              // of keys and values
  uint64_t prompt_tokens = 0, cached_tokens = 0, completion_tokens = 0;  // so far
  uint64_t drafted_tokens = 0, accepted_tokens = 0;
};

// May be called by several threads at a time.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::vector<ModelCard> models() = 0;
  // Loads it where it is not; null when there is none of that name. Throws as the readers of models do.
  virtual std::unique_ptr<OpenModel> open(const std::string& name) = 0;
  virtual void unload(const std::string& name) = 0;
  // models() with what only their files say (context, format, memory, licence), which are read once for it. A file that
  // cannot be read leaves its card as it is.
  virtual std::vector<ModelCard> described_models() { return models(); }
  virtual BackendStats stats() = 0;
  // Whether no loaded model takes another request, though some are loaded.
  virtual bool full() = 0;
};

}  // namespace bantam
