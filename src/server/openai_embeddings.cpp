// Vectors for texts: POST /v1/embeddings, Ollama's /api/embed and /api/embeddings, and /v1/rerank, which orders texts
// by the angle between their vectors and the question's.
#include <algorithm>
#include <cstring>
#include <numeric>

#include "server/handlers.h"
#include "server/wire.h"

namespace bantam {
namespace {

constexpr size_t kMostTexts = 2048;
constexpr int64_t kMostDimensions = 1 << 16;

using Vectors = std::vector<std::vector<float>>;
using WriteVectors = std::function<std::string(const Vectors&, int64_t prompt_tokens)>;

// Embeds the texts one after another, and writes them when all are there.
class EmbeddingJob final : public Job {
 public:
  EmbeddingJob(Call call, std::unique_ptr<OpenModel> model, std::vector<std::vector<int32_t>> texts, WriteVectors write)
      : call_(std::move(call)), model_(std::move(model)), texts_(std::move(texts)), write_(std::move(write)) {
    for (const auto& text : texts_) tokens_ += static_cast<int64_t>(text.size());
    admission_ = call_.parts.tenants.admit(call_.key, {model_->card().name, call_.route, {.prompt = tokens_}});
    next_text();
  }

  std::optional<HttpResponse> response() override {
    while (running_) {
      const auto event = running_->try_next();
      if (!event) return std::nullopt;
      if (const auto* failed = std::get_if<ErrorEvent>(&*event))
        throw ApiError(500, "embedding_failed", "", failed->message);
      const auto* finished = std::get_if<FinishEvent>(&*event);
      if (!finished) continue;
      if (finished->embedding.empty())
        throw ApiError(503, "cancelled", "", "the request was cancelled because the server is shutting down");
      vectors_.push_back(finished->embedding);
      next_text();
    }
    admission_->settle({.prompt = tokens_}, true);
    call_.parts.metrics.add_tokens(model_->card().name, {.prompt = tokens_});
    HttpResponse out = json_response(write_(vectors_, tokens_));
    add_rate_headers(out, admission_->left(), call_.key.limits);
    return out;
  }

 private:
  void next_text() {
    running_.reset();
    if (vectors_.size() == texts_.size()) return;
    EmbedRequest request;
    request.tokens = texts_[vectors_.size()];
    request.tenant = call_.key.id;
    request.on_event = call_.wake;
    request.priority = call_.priority;
    running_ = model_->embed(std::move(request));
  }

  Call call_;
  std::unique_ptr<OpenModel> model_;
  std::vector<std::vector<int32_t>> texts_;
  WriteVectors write_;
  int64_t tokens_ = 0;
  std::unique_ptr<Admission> admission_;
  std::unique_ptr<Running> running_;  // null when all are there
  Vectors vectors_;
};

std::vector<int32_t> encode_text(const OpenModel& model, const std::string& text, const std::string& where) {
  const Tokenizer& tokenizer = model.tokenizer();
  std::vector<int32_t> tokens = tokenizer.encode(text, {.add_bos = tokenizer.wants_bos()});
  if (tokens.empty()) throw bad_field(where, "is empty");
  if (tokens.size() > static_cast<size_t>(model.card().context)) {
    throw ApiError(400, "context_length_exceeded", where,
                   fmt::format("{}: has {} tokens, the context of {} holds {}", where, tokens.size(), model.card().name,
                               model.card().context));
  }
  return tokens;
}

// A string, a list of strings, or tokens.
std::vector<std::vector<int32_t>> read_texts(const Fields& fields, std::string_view name, const OpenModel& model) {
  const Json* input = fields.find(name);
  if (!input) fields.missing(name);
  if (input->is_string()) return {encode_text(model, input->get<std::string>(), std::string(name))};
  const Json* list = fields.list(name, kMostTexts);
  if (list->empty()) throw bad_field(name, "is empty");
  std::vector<std::vector<int32_t>> out;
  for (size_t i = 0; i < list->size(); ++i) {
    const std::string where = fmt::format("{}[{}]", name, i);
    if (!(*list)[i].is_string()) throw bad_field(where, "is {}, expected a string", describe((*list)[i]));
    out.push_back(encode_text(model, (*list)[i].get<std::string>(), where));
  }
  return out;
}

std::string base64(std::string_view bytes) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j)
      group = group << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    for (size_t j = 0; j < 4; ++j) out += i + j > bytes.size() ? '=' : kDigits[group >> (18 - 6 * j) & 63];
  }
  return out;
}

Json vector_json(const std::vector<float>& vector, bool as_base64) {
  if (!as_base64) return vector;
  return base64({reinterpret_cast<const char*>(vector.data()), vector.size() * sizeof(float)});
}

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);  // both have length 1
}

std::string ranking(const Vectors& vectors, size_t most, const std::vector<std::string>& documents,
                    const std::string& model, int64_t tokens) {
  std::vector<std::pair<double, size_t>> order;
  for (size_t i = 1; i < vectors.size(); ++i) order.emplace_back(-cosine(vectors[0], vectors[i]), i - 1);
  std::sort(order.begin(), order.end());
  Json results = Json::array();
  for (size_t i = 0; i < std::min(most, order.size()); ++i) {
    Json result = {{"index", order[i].second}, {"relevance_score", -order[i].first}};
    if (!documents.empty()) result["document"] = {{"text", documents[order[i].second]}};
    results.push_back(std::move(result));
  }
  return to_line({{"object", "list"},
                  {"model", model},
                  {"results", results},
                  {"usage", {{"prompt_tokens", tokens}, {"total_tokens", tokens}}}});
}

}  // namespace

std::unique_ptr<Job> embeddings(Call call) {
  const Json body = parse_body(call.request);
  const Fields fields(body);
  const bool as_base64 = fields.word("encoding_format", {"float", "base64"}).value_or(0) == 1;
  auto model = open_model(call, model_name(call, fields));
  if (fields.integer("dimensions", 1, kMostDimensions)) throw not_supported("dimensions", "a shorter vector");
  auto texts = read_texts(fields, "input", *model);
  const auto write = [as_base64, name = model->card().name](const Vectors& vectors, int64_t tokens) {
    Json data = Json::array();
    for (size_t i = 0; i < vectors.size(); ++i) {
      data.push_back({{"object", "embedding"}, {"index", i}, {"embedding", vector_json(vectors[i], as_base64)}});
    }
    return to_line({{"object", "list"},
                    {"data", data},
                    {"model", name},
                    {"usage", {{"prompt_tokens", tokens}, {"total_tokens", tokens}}}});
  };
  return std::make_unique<EmbeddingJob>(std::move(call), std::move(model), std::move(texts), write);
}

std::unique_ptr<Job> rerank(Call call) {
  const Json body = parse_body(call.request);
  const Fields fields(body);
  auto model = open_model(call, model_name(call, fields));
  auto texts = std::vector<std::vector<int32_t>>{encode_text(*model, fields.required_text("query"), "query")};
  for (auto& text : read_texts(fields, "documents", *model)) texts.push_back(std::move(text));
  const auto most = static_cast<size_t>(fields.integer("top_n", 1, kMostTexts).value_or(kMostTexts));
  std::vector<std::string> documents;
  if (fields.boolean("return_documents").value_or(false)) {
    for (const Json& text : *fields.list("documents", kMostTexts)) documents.push_back(text.get<std::string>());
  }
  const auto write = [most, documents, name = model->card().name](const Vectors& vectors, int64_t tokens) {
    return ranking(vectors, most, documents, name, tokens);
  };
  return std::make_unique<EmbeddingJob>(std::move(call), std::move(model), std::move(texts), write);
}

std::unique_ptr<Job> ollama_embed(Call call) {
  const Json body = parse_body(call.request);
  const Fields fields(body);
  auto model = open_model(call, model_name(call, fields));
  auto texts = read_texts(fields, "input", *model);
  const auto write = [begun = call.begun, name = model->card().name](const Vectors& vectors, int64_t tokens) {
    const auto ns =
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - begun).count();
    return to_line({{"model", name},
                    {"embeddings", vectors},
                    {"total_duration", ns},
                    {"load_duration", 0},
                    {"prompt_eval_count", tokens}});
  };
  return std::make_unique<EmbeddingJob>(std::move(call), std::move(model), std::move(texts), write);
}

std::unique_ptr<Job> ollama_embeddings(Call call) {
  const Json body = parse_body(call.request);
  const Fields fields(body);
  auto model = open_model(call, model_name(call, fields));
  auto texts = read_texts(fields, "prompt", *model);
  if (texts.size() != 1) fields.wrong("prompt", "a string");
  const auto write = [](const Vectors& vectors, int64_t) { return to_line({{"embedding", vectors[0]}}); };
  return std::make_unique<EmbeddingJob>(std::move(call), std::move(model), std::move(texts), write);
}

}  // namespace bantam
