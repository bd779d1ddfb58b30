#include "train/documents.h"

#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"

namespace bantam {
namespace {

std::string text_of(const Json& row, const char* key, const std::string& where) {
  if (!row.at(key).is_string())
    throw FormatError("{}: \"{}\" is {}, expected a string", where, key, row.at(key).dump());
  return row.at(key).get<std::string>();
}

std::vector<ChatMessage> messages_of(const Json& list, const std::string& where) {
  std::vector<ChatMessage> messages;
  if (!list.is_array()) throw FormatError("{}: \"messages\" is not an array", where);
  for (const Json& message : list) {
    if (!message.is_object() || !message.contains("role") || !message.contains("content")) {
      throw FormatError("{}: a message is {}, expected an object with \"role\" and \"content\"", where, message.dump());
    }
    messages.push_back({text_of(message, "role", where), text_of(message, "content", where)});
  }
  return messages;
}

std::vector<ChatMessage> exchange(std::string question, std::string answer) {
  return {{"user", std::move(question)}, {"assistant", std::move(answer)}};
}

// Empty when the row is no conversation.
std::vector<ChatMessage> conversation_of(const Json& row, const std::string& where) {
  const auto has = [&](const char* key) { return row.contains(key); };
  if (has("messages")) return messages_of(row.at("messages"), where);
  if (has("prompt") && (has("completion") || has("response"))) {
    return exchange(text_of(row, "prompt", where), text_of(row, has("completion") ? "completion" : "response", where));
  }
  if (has("question") && has("answer")) {
    return exchange(text_of(row, "question", where), text_of(row, "answer", where));
  }
  if (has("question") && has("answers") && row.at("answers").is_array() && !row.at("answers").empty()) {
    return exchange(text_of(row, "question", where), row.at("answers").at(0).get<std::string>());
  }
  if (has("instruction") && has("output")) {
    const std::string input = has("input") ? text_of(row, "input", where) : "";
    const std::string instruction = text_of(row, "instruction", where);
    return exchange(input.empty() ? instruction : instruction + "\n\n" + input, text_of(row, "output", where));
  }
  return {};
}

Json row_of(const std::string& line, const std::string& where) {
  if (const auto invalid = find_invalid_utf8(line)) {
    throw FormatError("{}: byte {} of the line is not UTF-8", where, *invalid);
  }
  Json row = parse_json(line, where);
  if (!row.is_object()) throw FormatError("{}: found {}, expected an object", where, row.type_name());
  return row;
}

ReadingExample reading_of(const Json& row, const std::string& where) {
  if (!row.contains("question") || !row.contains("passage") || !row.contains("answers")) {
    throw FormatError("{}: expected an object with \"question\", \"passage\" and \"answers\"", where);
  }
  ReadingExample example{text_of(row, "question", where), text_of(row, "passage", where), {}};
  for (const Json& span : row.at("answers")) {
    if (!span.is_array() || span.size() != 2 || !span[0].is_number_unsigned() || !span[1].is_number_unsigned()) {
      throw FormatError("{}: an answer is {}, expected [begin, end] in bytes of the passage", where, span.dump());
    }
    const auto begin = span[0].get<size_t>(), end = span[1].get<size_t>();
    if (begin >= end || end > example.passage.size()) {
      throw FormatError("{}: the answer [{}, {}] is not inside the passage of {} bytes", where, begin, end,
                        example.passage.size());
    }
    example.answers.push_back({begin, end});
  }
  return example;
}

bool is_jsonl(const std::filesystem::path& path) {
  return (path.extension() == ".zst" ? path.stem() : path).extension() == ".jsonl";
}

}  // namespace

DocumentReader::DocumentReader(const std::filesystem::path& path) : path_(path), reader_(path) {
  if (!is_jsonl(path)) return;
  CorpusReader first(path);
  const auto line = first.next_line();
  if (!line || line->find_first_not_of(" \t\r") == std::string::npos) return;
  const Json row = row_of(*line, fmt::format("{}: line 1", path.string()));
  rows_ = row.contains("text") ? Rows::texts : row.contains("passage") ? Rows::readings : Rows::conversations;
}

std::optional<TrainingDocument> DocumentReader::next() {
  if (rows_ == Rows::texts) {
    auto text = reader_.next();
    if (!text) return std::nullopt;
    return TrainingDocument{std::move(*text), {}, {}};
  }
  while (const auto line = reader_.next_line()) {
    if (line->find_first_not_of(" \t\r") == std::string::npos) continue;
    const std::string where = fmt::format("{}: line {}", path_.string(), reader_.line());
    if (reads_readings()) return TrainingDocument{{}, {}, reading_of(row_of(*line, where), where)};
    try {
      TrainingDocument document{{}, conversation_of(row_of(*line, where), where), {}};
      if (!document.messages.empty()) return document;
    } catch (const Json::exception&) {
      throw FormatError("{}: the answer is not a string", where);
    }
    throw FormatError(
        "{}: is no document this build knows; expected an object with \"text\", \"messages\", \"prompt\" and "
        "\"completion\", \"question\" and \"answer\", or \"instruction\" and \"output\"",
        where);
  }
  return std::nullopt;
}

}  // namespace bantam
