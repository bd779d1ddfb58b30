#include "server/engine_backend.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "engine/chat_format.h"
#include "engine/draft_model.h"
#include "engine/memory.h"
#include "engine/session.h"
#include "engine/writer.h"
#include "tensor/dtype.h"

namespace bantam {
namespace {

// The marks of texts to be filled in: Qwen and DeepSeek's successors, StarCoder, Code Llama.
struct InfillMarks {
  std::string_view before, after, middle;
};
constexpr std::array<InfillMarks, 3> kInfillMarks = {{{"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"},
                                                      {"<fim_prefix>", "<fim_suffix>", "<fim_middle>"},
                                                      {"\u2581<PRE>", "\u2581<SUF>", "\u2581<MID>"}}};

struct InfillTokens {
  int32_t before, after, middle;
};

std::optional<InfillTokens> infill_tokens(const Tokenizer& tokenizer) {
  for (const InfillMarks& marks : kInfillMarks) {
    const auto before = tokenizer.find(marks.before), after = tokenizer.find(marks.after),
               middle = tokenizer.find(marks.middle);
    if (before && after && middle) return InfillTokens{*before, *after, *middle};
  }
  return std::nullopt;
}

// For models whose template knows no tools: what there is to call, and in which form (tool_calls.h).
std::string tool_instructions(const std::string& tools) {
  return "You may call functions. They are described by this JSON list:\n" + tools +
         "\nTo call one, write\n<tool_call>\n{\"name\": NAME, \"arguments\": {...}}\n</tool_call>\n";
}

std::vector<ChatMessage> with_system(std::span<const ChatMessage> messages, const std::string& text) {
  std::vector<ChatMessage> out(messages.begin(), messages.end());
  if (!out.empty() && out[0].role == "system") {
    out[0].content += "\n\n" + text;
  } else {
    out.insert(out.begin(), {"system", text});
  }
  return out;
}

// What tools said, as the user would say it.
std::vector<ChatMessage> without_tool_role(std::vector<ChatMessage> messages) {
  for (ChatMessage& message : messages) {
    if (message.role == "tool") message = {"user", "<tool_response>\n" + message.content + "\n</tool_response>"};
  }
  return messages;
}

std::tm local_time() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  localtime_r(&now, &parts);
  return parts;
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

std::string licence_of(const Metadata& metadata) { return metadata.string_or("general.license", ""); }

std::string format_of(const Model& model) {
  return model.weights().layer.empty() ? "" : upper(traits(model.weights().layer[0].w_down.dtype).name);
}

BackendStats& operator+=(BackendStats& sum, const EngineStats& s) {
  sum.waiting += static_cast<uint64_t>(s.waiting);
  sum.running += static_cast<uint64_t>(s.running);
  sum.pages_used += static_cast<uint64_t>(s.pages_used);
  sum.pages_total += static_cast<uint64_t>(s.pages_total);
  sum.prompt_tokens += s.prompt_tokens;
  sum.cached_tokens += s.cached_tokens;
  sum.completion_tokens += s.completion_tokens;
  sum.drafted_tokens += s.drafted_tokens;
  sum.accepted_tokens += s.accepted_tokens;
  return sum;
}

}  // namespace

// One use of a loaded model.
class EngineBackend::Pin final : public OpenModel {
 public:
  Pin(ModelCard known, ModelPool::Lease lease)
      : card_(std::move(known)),
        lease_(std::move(lease)),
        format_(lease_->tokenizer(), metadata()),
        template_(chat_template_of(metadata())),
        infill_(infill_tokens(lease_->tokenizer())) {
    const Model& model = lease_->model();
    card_.context = lease_->context();
    card_.family = metadata().string_or("general.architecture", "");
    card_.parameters = model.parameters();
    if (card_.bytes == 0) card_.bytes = model.weight_bytes();
    card_.format = format_of(model);
    card_.licence = licence_of(metadata());
    card_.chat_template = metadata().string_or("tokenizer.chat_template", "");
    card_.infills = infill_.has_value();
  }

  const ModelCard& card() const override { return card_; }
  const Tokenizer& tokenizer() const override { return lease_->tokenizer(); }

  std::vector<int32_t> chat_prompt(std::span<const ChatMessage> messages, const std::string& tools) const override {
    const bool takes_tools = template_ && card_.chat_template.find("tools") != std::string::npos;
    if (takes_tools) {
      if (tools.empty()) return format_.prompt(messages);
      return encode_chat(tokenizer(), *template_, {.messages = messages, .tools = tools, .now = local_time()}).ids;
    }
    std::vector<ChatMessage> plain(messages.begin(), messages.end());
    if (!tools.empty()) plain = with_system(messages, tool_instructions(tools));
    return format_.prompt(without_tool_role(std::move(plain)));
  }

  std::vector<std::string> chat_stops() const override { return format_.stops(); }

  std::vector<int32_t> infill_prompt(std::string_view before, std::string_view after) const override {
    std::vector<int32_t> out;
    const auto add = [&](int32_t mark, std::string_view text) {
      out.push_back(mark);
      const std::vector<int32_t> tokens = tokenizer().encode(text);
      out.insert(out.end(), tokens.begin(), tokens.end());
    };
    if (tokenizer().wants_bos()) out.push_back(*tokenizer().bos());
    add(infill_->before, before);
    add(infill_->after, after);
    add(infill_->middle, "");
    return out;
  }

  std::unique_ptr<Constraint> constraint(const AnswerForm& form, int32_t previous) const override {
    return lease_->constraint(form, previous);
  }

  std::unique_ptr<Constraint> cited_text(int sources) const override {
    return writing_constraint(std::make_shared<const SortedPieces>(tokenizer()), sources);
  }

  std::unique_ptr<Running> submit(Request request) override { return run(lease_->submit(std::move(request))); }
  std::unique_ptr<Running> embed(EmbedRequest request) override { return run(lease_->embed(std::move(request))); }

 private:
  class StreamRunning final : public Running {
   public:
    explicit StreamRunning(Stream stream) : stream_(std::move(stream)) {}
    std::optional<Event> try_next() override { return stream_.try_next(); }

   private:
    Stream stream_;
  };

  const Metadata& metadata() const { return lease_->model().metadata(); }
  static std::unique_ptr<Running> run(Stream stream) { return std::make_unique<StreamRunning>(std::move(stream)); }

  ModelCard card_;
  ModelPool::Lease lease_;
  ChatFormat format_;
  std::optional<ChatTemplate> template_;
  std::optional<InfillTokens> infill_;
};

EngineBackend::EngineBackend(std::function<std::vector<ModelSource>()> sources, const EngineOptions& engine,
                             const ModelPoolOptions& pool, std::optional<PanelCache> panels)
    : sources_(std::move(sources)),
      engine_(engine),
      panels_(std::move(panels)),
      pool_([this](const std::string& name) { return load(name); }, pool) {}

std::optional<ModelSource> EngineBackend::find(const std::string& name) const {
  std::vector<ModelSource> sources = sources_();
  const auto found = std::ranges::find_if(sources, [&](const ModelSource& s) { return s.card.name == name; });
  if (found == sources.end()) return std::nullopt;
  return std::move(*found);
}

ModelPool::Opened EngineBackend::load(const std::string& name) const {
  const auto source = find(name);
  if (!source) throw UsageError("there is no model '{}'", name);
  EngineOptions options = engine_;
  const auto model = Model::from_file(source->read(), LoadFor::running, panels_ ? &*panels_ : nullptr,
                                      [&](const Metadata& metadata) { options.tokenizer = load_tokenizer(metadata); });
  if (options.draft && !same_vocabulary(options.draft->metadata(), model->metadata())) options.draft = nullptr;
  return {model, options};
}

std::vector<ModelCard> EngineBackend::models() {
  std::vector<ModelCard> out;
  const std::vector<ModelPool::Loaded> loaded = pool_.loaded();
  for (const ModelSource& source : sources_()) {
    const std::lock_guard lock(mutex_);
    const auto known = cards_.find(source.card.name);
    out.push_back(known == cards_.end() ? source.card : known->second);
    out.back().loaded = std::ranges::any_of(loaded, [&](const auto& l) { return l.name == source.card.name; });
  }
  return out;
}

std::vector<ModelCard> EngineBackend::described_models() {
  const std::vector<ModelPool::Loaded> loaded = pool_.loaded();
  std::vector<ModelCard> out = models();
  std::vector<ModelSource> sources = sources_();
  for (ModelCard& card : out) {
    const auto in_memory = std::ranges::find(loaded, card.name, &ModelPool::Loaded::name);
    const auto source = std::ranges::find_if(sources, [&](const ModelSource& s) { return s.card.name == card.name; });
    if (source != sources.end()) describe(*source, card);
    if (in_memory != loaded.end()) card.memory = in_memory->bytes;
  }
  return out;
}

// Reads the file's head once for each content that a name stands for.
void EngineBackend::describe(const ModelSource& source, ModelCard& card) {
  const std::string key = fmt::format("{}\n{}\n{}", source.card.name, source.card.digest, source.card.bytes);
  {
    const std::lock_guard lock(mutex_);
    const auto known = described_.find(key);
    if (known != described_.end()) {
      const bool loaded = card.loaded;
      card = known->second;
      card.loaded = loaded;
      return;
    }
  }
  try {
    const std::shared_ptr<const Model> model = Model::from_file(source.read(), LoadFor::looking);
    if (card.bytes == 0) card.bytes = model->weight_bytes();
    if (card.context == 0)
      card.context = engine_.context > 0 ? engine_.context : std::min(model->config().context, kDefaultContext);
    card.family = model->metadata().string_or("general.architecture", "");
    card.parameters = model->parameters();
    card.format = format_of(*model);
    card.licence = licence_of(model->metadata());
    card.memory = memory_needed(*model, engine_.context, engine_.cache_format).total();
  } catch (const Error&) {  // open() will tell what is wrong with it
  }
  const std::lock_guard lock(mutex_);
  described_.insert_or_assign(key, card);
}

std::unique_ptr<OpenModel> EngineBackend::open(const std::string& name) {
  std::optional<ModelCard> card;
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = cards_.find(name); known != cards_.end()) card = known->second;
  }
  if (!card) {
    const auto source = find(name);
    if (!source) return nullptr;
    card = source->card;
  }
  auto pin = std::make_unique<Pin>(std::move(*card), pool_.acquire(name));
  const std::lock_guard lock(mutex_);
  cards_.insert_or_assign(name, pin->card());
  return pin;
}

void EngineBackend::unload(const std::string& name) {
  pool_.unload(name);
  const std::lock_guard lock(mutex_);
  cards_.erase(name);  // its name may come to stand for another
}

BackendStats EngineBackend::stats() {
  BackendStats sum;
  for (const ModelPool::Loaded& loaded : pool_.loaded()) sum += loaded.stats;
  return sum;
}

}  // namespace bantam
