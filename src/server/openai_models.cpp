// GET /v1/models, and what is asked of a model besides text: its tokens.
#include <algorithm>

#include "server/handlers.h"
#include "server/wire.h"

namespace bantam {
namespace {

constexpr size_t kMostTokens = size_t{1} << 20;

Json model_json(const ModelCard& card, Dialect dialect) {
  Json out = {{"id", card.name},
              {"object", "model"},
              {"created", card.created_s},
              {"owned_by", "bantam"},
              {"context_window", card.context}};
  if (dialect == Dialect::azure) {
    out["status"] = "succeeded";
    out["capabilities"] = {{"completion", true},
                           {"chat_completion", true},
                           {"embeddings", true},
                           {"inference", true},
                           {"fine_tune", false}};
  }
  return out;
}

}  // namespace

std::unique_ptr<Job> list_models(Call call) {
  Json data = Json::array();
  for (const ModelCard& card : call.parts.backend.models()) data.push_back(model_json(card, call.dialect));
  return ready(json_response(to_line({{"object", "list"}, {"data", std::move(data)}})));
}

std::unique_ptr<Job> get_model(Call call) {
  const std::string& name = call.params.find("model")->second;
  const std::vector<ModelCard> cards = call.parts.backend.models();
  const auto found = std::ranges::find(cards, name, &ModelCard::name);
  if (found == cards.end())
    throw ApiError(404, "model_not_found", "model", fmt::format("there is no model '{}'", name));
  return ready(json_response(to_line(model_json(*found, call.dialect))));
}

std::unique_ptr<Job> tokenize(Call call) {
  const Json body = parse_body(call.request);
  const Fields fields(body);
  const auto model = open_model(call, model_name(call, fields));
  const Tokenizer& tokenizer = model->tokenizer();
  const std::string text = fields.text(fields.has("prompt") ? "prompt" : "text").value_or("");
  if (!fields.has("prompt") && !fields.has("text")) fields.missing("text");
  const bool bos = fields.boolean("add_special_tokens").value_or(false);
  const std::vector<int32_t> tokens = tokenizer.encode(text, {.add_bos = bos});
  return ready(
      json_response(to_line({{"count", tokens.size()}, {"max_model_len", model->card().context}, {"tokens", tokens}})));
}

std::unique_ptr<Job> detokenize(Call call) {
  const Json body = parse_body(call.request);
  const Fields fields(body);
  const auto model = open_model(call, model_name(call, fields));
  const Json* list = fields.list("tokens", kMostTokens);
  if (!list) fields.missing("tokens");
  std::vector<int32_t> tokens;
  for (const Json& id : *list) {
    if (!id.is_number_integer() || id.get<double>() < 0 || id.get<double>() >= model->tokenizer().vocab_size()) {
      throw bad_field("tokens", "holds {}, expected numbers of tokens below {}", describe(id),
                      model->tokenizer().vocab_size());
    }
    tokens.push_back(id.get<int32_t>());
  }
  const std::string text = model->tokenizer().decode(tokens);
  return ready(json_response(to_line({{"prompt", text}, {"text", text}})));
}

// There is no model here that judges text, and a verdict that nobody reached would be worse than none.
std::unique_ptr<Job> moderations(Call call) {
  const Json body = parse_body(call.request);
  if (!Fields(body).has("input")) Fields(body).missing("input");
  throw not_supported("model", "moderation, for which there is no model here,");
}

}  // namespace bantam
