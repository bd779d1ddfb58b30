// POST /v1/completions, of OpenAI and of Azure: a prompt continued, or the text between two others.
#include "server/handlers.h"
#include "server/wire.h"

namespace bantam {
namespace {

constexpr size_t kMostPrompts = 64;
constexpr int64_t kDefaultTokens = 16;  // OpenAI's
constexpr int64_t kMostListed = 5;

struct CompletionStyle {
  std::string id, model;
  int64_t created = 0;
  bool azure = false, include_usage = false, scores = false;
  std::vector<std::string> echoes;  // of each choice: the prompt, where it is to be repeated
};

// "logprobs" of this API: lists side by side. `offset`: where the text begins, in characters of the answer.
Json score_lists(const Tokenizer& tokenizer, const std::vector<SampledToken>& tokens, size_t offset) {
  Json out = {{"tokens", Json::array()},
              {"token_logprobs", Json::array()},
              {"top_logprobs", Json::array()},
              {"text_offset", Json::array()}};
  for (const SampledToken& token : tokens) {
    const std::string_view text = tokenizer.piece(token.token);
    out["tokens"].push_back(text);
    out["token_logprobs"].push_back(token.logprob);
    Json top = Json::object();
    for (const TokenScore& other : token.likeliest) top[std::string(tokenizer.piece(other.token))] = other.logprob;
    out["top_logprobs"].push_back(std::move(top));
    out["text_offset"].push_back(offset);
    offset += text.size();
  }
  return out;
}

class CompletionWriter final : public AnswerFormat {
 public:
  CompletionWriter(CompletionStyle style, const Tokenizer& tokenizer)
      : style_(std::move(style)), tokenizer_(tokenizer) {
    written_.resize(style_.echoes.size());
  }

  std::string whole(const std::vector<ChoiceResult>& choices, const TokenCounts& billed) override {
    Json out = head();
    out["choices"] = Json::array();
    for (size_t i = 0; i < choices.size(); ++i) {
      const std::string& echo = style_.echoes[i];
      out["choices"].push_back(choice_json(i, echo + choices[i].text, scores(choices[i].tokens, echo.size()),
                                           finish_word(choices[i].reason)));
    }
    out["usage"] = usage_json(billed);
    return to_line(out);
  }

  void begin(std::string& out) override {
    for (size_t i = 0; i < style_.echoes.size(); ++i) {
      if (!style_.echoes[i].empty()) add(out, choice_json(i, style_.echoes[i], nullptr, ""));
      written_[i] = style_.echoes[i].size();
    }
  }

  void text(std::string& out, size_t choice, const TextEvent& event) override {
    if (event.text.empty() && !style_.scores) return;
    add(out, choice_json(choice, event.text, scores(event.tokens, written_[choice]), ""));
    written_[choice] += event.text.size();
  }

  void finish(std::string& out, size_t choice, const ChoiceResult& result) override {
    add(out, choice_json(choice, "", nullptr, finish_word(result.reason)));
  }

  void end(std::string& out, const std::vector<ChoiceResult>&, const TokenCounts& billed) override {
    add_stream_end(out, head(), style_.include_usage ? usage_json(billed) : Json(nullptr));
  }

  void error(std::string& out, const ApiError& error) override { add_stream_error(out, error, style_.azure); }

 private:
  Json head() const {
    return {{"id", style_.id}, {"object", "text_completion"}, {"created", style_.created}, {"model", style_.model}};
  }

  Json scores(const std::vector<SampledToken>& tokens, size_t offset) const {
    return style_.scores ? score_lists(tokenizer_, tokens, offset) : Json(nullptr);
  }

  Json choice_json(size_t index, const std::string& text, Json logprobs, std::string_view reason) const {
    Json out = {{"text", text},
                {"index", index},
                {"logprobs", std::move(logprobs)},
                {"finish_reason", reason.empty() ? Json(nullptr) : Json(reason)}};
    if (style_.azure) out["content_filter_results"] = Json::object();
    return out;
  }

  void add(std::string& out, Json choice) const {
    Json event = head();
    event["choices"] = Json::array({std::move(choice)});
    if (style_.include_usage) event["usage"] = nullptr;
    add_event(out, event);
  }

  CompletionStyle style_;
  const Tokenizer& tokenizer_;
  std::vector<size_t> written_;  // bytes, of each choice
};

std::vector<int32_t> read_tokens(const Json& list, int vocab, const std::string& where) {
  std::vector<int32_t> out;
  for (const Json& id : list) {
    if (!id.is_number_integer() || id.get<double>() < 0 || id.get<double>() >= vocab) {
      throw bad_field(where, "holds {}, expected numbers of tokens below {}", describe(id), vocab);
    }
    out.push_back(id.get<int32_t>());
  }
  return out;
}

std::vector<int32_t> encode_prompt(const Tokenizer& tokenizer, std::string_view text) {
  return tokenizer.encode(text, {.add_bos = tokenizer.wants_bos()});
}

// A string, tokens, or a list of either.
std::vector<std::vector<int32_t>> read_prompts(const Fields& fields, const Tokenizer& tokenizer) {
  const Json* prompt = fields.find("prompt");
  if (!prompt) fields.missing("prompt");
  if (prompt->is_string()) return {encode_prompt(tokenizer, prompt->get<std::string>())};
  if (!prompt->is_array()) fields.wrong("prompt", "a string, a list of tokens, or a list of these");
  if (prompt->empty()) throw bad_field("prompt", "is empty");
  const int vocab = tokenizer.vocab_size();
  if ((*prompt)[0].is_number()) return {read_tokens(*prompt, vocab, "prompt")};
  fields.list("prompt", kMostPrompts);
  std::vector<std::vector<int32_t>> out;
  for (size_t i = 0; i < prompt->size(); ++i) {
    const Json& item = (*prompt)[i];
    const std::string where = fmt::format("prompt[{}]", i);
    if (item.is_string()) {
      out.push_back(encode_prompt(tokenizer, item.get<std::string>()));
    } else if (item.is_array()) {
      out.push_back(read_tokens(item, vocab, where));
    } else {
      throw bad_field(where, "is {}, expected a string or a list of tokens", describe(item));
    }
  }
  return out;
}

// With "suffix" the text between the two.
std::vector<std::vector<int32_t>> prompts_of(const Fields& fields, const OpenModel& model) {
  const auto suffix = fields.text("suffix");
  if (!suffix || suffix->empty()) return read_prompts(fields, model.tokenizer());
  if (!model.card().infills)
    throw not_supported(
        "suffix", fmt::format("filling text in with {}, whose vocabulary has no marks for it,", model.card().name));
  return {model.infill_prompt(fields.required_text("prompt"), *suffix)};
}

}  // namespace

std::unique_ptr<Job> completions(Call call) {
  const Json body = parse_body(call.request);
  const Fields fields(body);
  const int64_t n = fields.integer("n", 1, kMostChoices).value_or(1);
  const int64_t best_of = fields.integer("best_of", 1, kMostChoices).value_or(n);
  if (best_of != n) throw not_supported("best_of", "a value other than n");
  const AnswerForm form = read_form(fields);
  const bool echo = fields.boolean("echo").value_or(false);
  const auto most = fields.integer("max_tokens", 0, INT32_MAX).value_or(kDefaultTokens);

  GenerationPlan plan;
  plan.streamed = fields.boolean("stream").value_or(false);
  plan.model = open_model(call, model_name(call, fields));
  OpenModel& model = *plan.model;
  CompletionStyle style{.id = "cmpl-" + call.id,
                        .model = model.card().name,
                        .created = unix_seconds(),
                        .azure = call.dialect == Dialect::azure,
                        .echoes = {}};
  if (const Json* options = fields.object("stream_options")) {
    style.include_usage = Fields(*options, "stream_options").boolean("include_usage").value_or(false);
  }
  if (most == 0) throw not_supported("max_tokens", "an answer of 0 tokens");
  Request common;
  common.sampling = read_sampling(fields, model.tokenizer().vocab_size());
  common.stops = read_stops(fields);
  if (const auto logprobs = fields.integer("logprobs", 0, kMostListed)) common.logprobs = static_cast<int>(*logprobs);
  style.scores = common.logprobs.has_value();
  for (std::vector<int32_t>& prompt : prompts_of(fields, model)) {
    if (prompt.empty()) throw bad_field("prompt", "is empty, expected at least one token");
    Request request;
    request.sampling = common.sampling;
    request.stops = common.stops;
    request.logprobs = common.logprobs;
    request.max_tokens = answer_room(model.card(), prompt.size(), most, "prompt");
    plan.prompt_tokens += static_cast<int64_t>(prompt.size());
    style.echoes.insert(style.echoes.end(), static_cast<size_t>(n),
                        echo ? model.tokenizer().decode(prompt) : std::string());
    request.prompt = std::move(prompt);
    for (Request& choice : make_choices(model, std::move(request), n, form)) plan.choices.push_back(std::move(choice));
  }
  plan.format = std::make_unique<CompletionWriter>(std::move(style), model.tokenizer());
  return run_generation(std::move(call), std::move(plan));
}

}  // namespace bantam
