// Reads documents for training and evaluation, one by one, from the files people have them in.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace bantam {

class BlockSource;

// By the file's name: .txt and .md are one document each; .jsonl holds an object per line, whose "text" is the
// document, after its "title" and an empty line where there is one. Each may be compressed: .txt.zst, .jsonl.zst.
class CorpusReader {
 public:
  // Throws UsageError for another kind of file, IoError when it cannot be opened.
  explicit CorpusReader(std::filesystem::path path);
  ~CorpusReader();
  CorpusReader(CorpusReader&&) noexcept;

  // The next document, or nothing at the end. Throws FormatError naming file and line (or byte offset) for text that is
  // not UTF-8, lines that are not such objects, and broken compression; IoError when reading fails.
  std::optional<std::string> next();
  // For .jsonl files of something else: the next line as it is. Throws IoError, or FormatError for broken compression.
  std::optional<std::string> next_line();
  // Number of the line last read, from 1.
  size_t line() const { return line_; }

 private:
  std::optional<std::string> whole_file();

  std::filesystem::path path_;
  std::unique_ptr<BlockSource> source_;
  bool lines_ = false;
  std::string buffer_;
  size_t begin_ = 0;  // of the next line, in buffer_
  size_t line_ = 0;   // number of the line last read
};

}  // namespace bantam
