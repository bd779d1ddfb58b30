#include "train/token_file.h"

#include <cassert>
#include <cstring>

#include "base/error.h"
#include "base/json.h"

namespace bantam {
namespace {

// Layout: ids (2 bytes each, or 4 for larger vocabularies), padding to 8; starts, documents + 1 words; uncounted bits,
// if any; a byte per token, if tagged, padded to 8; a JSON line of counts; its length; the magic.
constexpr uint64_t kMagic = 0x32534E454B4F5442;  // "BTOKENS2"
constexpr size_t kTailBytes = 16;

size_t id_bytes(int vocab) { return vocab <= 65536 ? 2 : 4; }

std::span<const std::byte> bytes_of(const std::vector<uint64_t>& words) { return std::as_bytes(std::span(words)); }

}  // namespace

TokenFileWriter::TokenFileWriter(const std::filesystem::path& path, int vocab, std::string identity)
    : file_(path), vocab_(vocab), identity_(std::move(identity)) {}

void TokenFileWriter::add(std::span<const int32_t> tokens, const std::vector<bool>& counted, uint64_t text_bytes,
                          std::span<const uint8_t> tags) {
  if (tokens.size() < 2) return;
  assert(tags.empty() || tags.size() == tokens.size());
  tags_.insert(tags_.end(), tags.begin(), tags.end());
  std::vector<uint16_t> narrow;
  if (id_bytes(vocab_) == 2) {
    narrow.assign(tokens.begin(), tokens.end());
    file_.write(std::as_bytes(std::span(narrow)));
  } else {
    file_.write(std::as_bytes(tokens));
  }
  const uint64_t begin = starts_.back(), end = begin + tokens.size();
  uncounted_.resize((end + 63) / 64);
  for (size_t i = 0; i < counted.size(); ++i) {
    if (counted[i]) continue;
    uncounted_[(begin + i) / 64] |= uint64_t{1} << ((begin + i) % 64);
    any_uncounted_ = true;
  }
  starts_.push_back(end);
  text_bytes_ += text_bytes;
}

void TokenFileWriter::commit() {
  if (!any_uncounted_) uncounted_.clear();
  assert(tags_.empty() || tags_.size() == starts_.back());
  file_.pad_to(8);
  file_.write(bytes_of(starts_));
  file_.write(bytes_of(uncounted_));
  file_.write(std::as_bytes(std::span(tags_)));
  file_.pad_to(8);
  const std::string counts = to_line(Json{{"vocab", vocab_},
                                          {"documents", starts_.size() - 1},
                                          {"tokens", starts_.back()},
                                          {"text_bytes", text_bytes_},
                                          {"uncounted_words", uncounted_.size()},
                                          {"tags", tags_.size()},
                                          {"identity", identity_}});
  file_.write(counts);
  const uint64_t tail[2] = {counts.size(), kMagic};
  file_.write(std::as_bytes(std::span(tail)));
  file_.commit();
}

TokenFile::TokenFile(const std::filesystem::path& path) : path_(path), file_(path) {
  const auto all = file_.bytes();
  const auto damaged = [&] {
    return FormatError("{}: is not a whole token file of this version; delete it and it will be made anew",
                       path.string());
  };
  uint64_t tail[2];
  if (all.size() < kTailBytes) throw damaged();
  std::memcpy(tail, all.data() + all.size() - kTailBytes, kTailBytes);
  if (tail[1] != kMagic || tail[0] > all.size() - kTailBytes) throw damaged();
  const size_t counts_at = all.size() - kTailBytes - tail[0];
  const std::string_view line(reinterpret_cast<const char*>(all.data()) + counts_at, tail[0]);

  uint64_t documents = 0, tokens = 0, uncounted_words = 0, tags = 0;
  try {
    const Json counts = parse_json(line, path.string());
    vocab_ = counts.at("vocab").get<int>();
    documents = counts.at("documents").get<uint64_t>();
    tokens = counts.at("tokens").get<uint64_t>();
    text_bytes_ = counts.at("text_bytes").get<uint64_t>();
    uncounted_words = counts.at("uncounted_words").get<uint64_t>();
    tags = counts.at("tags").get<uint64_t>();
    identity_ = counts.at("identity").get<std::string>();
  } catch (const Json::exception&) {
    throw damaged();
  }
  if (vocab_ < 1 || documents > all.size() / 8 || tokens > all.size() || uncounted_words > all.size() / 8) {
    throw damaged();
  }
  const size_t ids = tokens * id_bytes(vocab_), starts_at = (ids + 7) / 8 * 8;
  const size_t uncounted_at = starts_at + (documents + 1) * 8;
  const size_t tags_at = uncounted_at + uncounted_words * 8;
  if (tags != 0 && tags != tokens) throw damaged();
  if (tags_at + (tags + 7) / 8 * 8 != counts_at) throw damaged();
  ids_ = all.first(ids);
  starts_ = {reinterpret_cast<const uint64_t*>(all.data() + starts_at), documents + 1};
  uncounted_ = {reinterpret_cast<const uint64_t*>(all.data() + uncounted_at), uncounted_words};
  tags_ = all.subspan(tags_at, tags);
  if (uncounted_words != 0 && uncounted_words != (tokens + 63) / 64) throw damaged();
  for (size_t d = 0; d < documents; ++d) {
    if (starts_[d] >= starts_[d + 1]) throw damaged();
  }
  if (starts_.front() != 0 || starts_.back() != tokens) throw damaged();
}

std::optional<TokenFile> TokenFile::open_if_current(const std::filesystem::path& path, const std::string& identity) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  try {
    TokenFile file(path);
    if (file.identity() == identity) return file;
  } catch (const FormatError&) {
    // Made anew: it is a cache.
  }
  return std::nullopt;
}

int32_t TokenFile::token(size_t document, size_t i) const {
  const size_t at = starts_[document] + i;
  uint32_t id = 0;
  if (id_bytes(vocab_) == 2) {
    uint16_t narrow;
    std::memcpy(&narrow, ids_.data() + at * 2, 2);
    id = narrow;
  } else {
    std::memcpy(&id, ids_.data() + at * 4, 4);
  }
  if (id >= static_cast<uint32_t>(vocab_)) {
    throw FormatError("{}: token {} has id {}, but the vocabulary has {}; delete the file and it will be made anew",
                      path_.string(), at, id, vocab_);
  }
  return static_cast<int32_t>(id);
}

bool TokenFile::counted(size_t document, size_t i) const {
  if (uncounted_.empty()) return true;
  const size_t at = starts_[document] + i;
  return (uncounted_[at / 64] >> (at % 64) & 1) == 0;
}

}  // namespace bantam
