// A source's documents as token ids in one file on disk, mapped while training: tokenised once, used by every run.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/mapped_file.h"

namespace bantam {

// Collects documents and writes them all or nothing.
class TokenFileWriter {
 public:
  // Ids are below `vocab`; `identity` says what the tokens were made of (vocabulary, source, its size and time), and a
  // file whose identity differs from the wanted one is made anew. Throws IoError.
  TokenFileWriter(const std::filesystem::path& path, int vocab, std::string identity);

  // counted[i] says whether token i counts as something to predict; empty: all do. Documents of fewer than two tokens
  // have nothing to predict and are left out. tags[i] goes with token i; all documents have tags or none. Throws
  // IoError.
  void add(std::span<const int32_t> tokens, const std::vector<bool>& counted, uint64_t text_bytes,
           std::span<const uint8_t> tags = {});
  void commit();

 private:
  AtomicFile file_;
  int vocab_;
  std::string identity_;
  std::vector<uint64_t> starts_{0};
  std::vector<uint64_t> uncounted_;  // 64 tokens a word, a bit is set where the token does not count
  bool any_uncounted_ = false;
  std::vector<uint8_t> tags_;
  uint64_t text_bytes_ = 0;
};

class TokenFile {
 public:
  // Throws IoError or FormatError.
  explicit TokenFile(const std::filesystem::path& path);
  // Nothing when there is no such file, it is damaged, or it was made of something else.
  static std::optional<TokenFile> open_if_current(const std::filesystem::path& path, const std::string& identity);

  const std::string& identity() const { return identity_; }
  int vocab() const { return vocab_; }
  size_t documents() const { return starts_.size() - 1; }
  uint64_t tokens() const { return starts_.back(); }
  uint64_t text_bytes() const { return text_bytes_; }
  // Some tokens are not to be predicted: questions and answers, whose documents are never cut.
  bool has_uncounted() const { return !uncounted_.empty(); }

  // Every token has a tag: examples of reading, see reading_tags.h.
  bool has_tags() const { return !tags_.empty(); }

  size_t length(size_t document) const { return starts_[document + 1] - starts_[document]; }
  // Token `i` of a document. Throws FormatError when the file holds an id that is not in the vocabulary.
  int32_t token(size_t document, size_t i) const;
  bool counted(size_t document, size_t i) const;
  uint8_t tag(size_t document, size_t i) const { return static_cast<uint8_t>(tags_[starts_[document] + i]); }

 private:
  std::filesystem::path path_;
  MappedFile file_;
  std::span<const std::byte> ids_, tags_;
  std::span<const uint64_t> starts_, uncounted_;
  uint64_t text_bytes_ = 0;
  int vocab_ = 0;
  std::string identity_;
};

}  // namespace bantam
