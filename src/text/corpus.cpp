#include "text/corpus.h"

#include <zstd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"

namespace bantam {
namespace fs = std::filesystem;

// A file as a sequence of blocks of bytes, decompressed where need be.
class BlockSource {
 public:
  BlockSource(fs::path path, bool compressed) : path_(std::move(path)), file_(std::fopen(path_.c_str(), "rb")) {
    if (!file_) throw IoError("{}: {}", path_.string(), std::strerror(errno));
    if (compressed) zstd_.reset(ZSTD_createDStream());
  }

  // Appends at least one byte to `out`; false at the end of the file.
  bool append_block(std::string& out) {
    if (!zstd_) return append_file_bytes(out);
    std::vector<char> block(ZSTD_DStreamOutSize());
    ZSTD_outBuffer output{block.data(), block.size(), 0};
    while (output.pos == 0) {
      if (used_ == input_.size()) {
        input_.clear();
        used_ = 0;
        if (!append_file_bytes(input_)) {
          if (inside_frame_)
            throw FormatError("{}: the zstd data ends inside a frame: is the file whole?", path_.string());
          return false;
        }
      }
      ZSTD_inBuffer input{input_.data(), input_.size(), used_};
      const size_t state = ZSTD_decompressStream(zstd_.get(), &output, &input);
      if (ZSTD_isError(state)) {
        throw FormatError("{}: not valid zstd data: {}", path_.string(), ZSTD_getErrorName(state));
      }
      used_ = input.pos;
      inside_frame_ = state != 0;
    }
    out.append(block.data(), output.pos);
    return true;
  }

 private:
  bool append_file_bytes(std::string& out) {
    std::vector<char> block(kBlockBytes);
    const size_t bytes = std::fread(block.data(), 1, block.size(), file_.get());
    if (bytes == 0 && std::ferror(file_.get())) throw IoError("{}: {}", path_.string(), std::strerror(errno));
    out.append(block.data(), bytes);
    return bytes > 0;
  }

  static constexpr size_t kBlockBytes = size_t{1} << 17;

  fs::path path_;
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
    void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
  };
  std::unique_ptr<std::FILE, Close> file_;
  std::unique_ptr<ZSTD_DStream, Close> zstd_;
  std::string input_;  // compressed bytes; those before used_ are done with
  size_t used_ = 0;
  bool inside_frame_ = false;
};

namespace {

// The string under `key`, or nothing where there is none and it is optional.
std::optional<std::string> string_field(Json& object, const char* key, bool required, const std::string& where) {
  const auto found = object.find(key);
  if (found == object.end() || (found->is_null() && !required)) {
    if (!required) return std::nullopt;
    throw FormatError("{}: the key \"{}\" is missing", where, key);
  }
  if (!found->is_string()) throw FormatError("{}: \"{}\" is {}, expected a string", where, key, found->type_name());
  return std::move(found->get_ref<std::string&>());
}

std::string document_of_line(const std::string& line, const std::string& where) {
  Json object = parse_json(line, where);
  if (!object.is_object())
    throw FormatError("{}: found {}, expected an object with a \"text\"", where, object.type_name());
  std::string text = *string_field(object, "text", true, where);
  const auto title = string_field(object, "title", false, where);
  return title && !title->empty() ? *title + "\n\n" + text : std::move(text);
}

}  // namespace

CorpusReader::CorpusReader(fs::path path) : path_(std::move(path)) {
  const bool compressed = path_.extension() == ".zst";
  const fs::path kind = compressed ? path_.stem().extension() : path_.extension();
  lines_ = kind == ".jsonl";
  if (!lines_ && kind != ".txt" && kind != ".md") {
    throw UsageError(
        "{}: not a kind of file documents are read from; expected a name that ends in .txt, .md or .jsonl, "
        "or one of these with .zst",
        path_.string());
  }
  source_ = std::make_unique<BlockSource>(path_, compressed);
}

CorpusReader::~CorpusReader() = default;
CorpusReader::CorpusReader(CorpusReader&&) noexcept = default;

std::optional<std::string> CorpusReader::next() {
  if (!lines_) return whole_file();
  while (auto line = next_line()) {
    if (line->find_first_not_of(" \t\r") == std::string::npos) continue;
    const std::string where = fmt::format("{}: line {}", path_.string(), line_);
    if (const auto invalid = find_invalid_utf8(*line)) {
      throw FormatError("{}: byte {} of the line is not UTF-8", where, *invalid);
    }
    return document_of_line(*line, where);
  }
  return std::nullopt;
}

std::optional<std::string> CorpusReader::whole_file() {
  std::string text;
  while (source_->append_block(text)) continue;
  if (const auto invalid = find_invalid_utf8(text)) {
    throw FormatError("{}: byte {} is not UTF-8", path_.string(), *invalid);
  }
  if (text.empty()) return std::nullopt;
  return text;
}

std::optional<std::string> CorpusReader::next_line() {
  size_t end = buffer_.find('\n', begin_);
  if (end == std::string::npos) {
    buffer_.erase(0, begin_);
    begin_ = 0;
    for (size_t searched = buffer_.size(); end == std::string::npos; searched = buffer_.size()) {
      if (!source_->append_block(buffer_)) break;
      end = buffer_.find('\n', searched);
    }
  }
  if (begin_ == buffer_.size()) return std::nullopt;
  ++line_;
  const size_t line_end = end == std::string::npos ? buffer_.size() : end;
  std::string line = buffer_.substr(begin_, line_end - begin_);
  begin_ = end == std::string::npos ? line_end : end + 1;
  return line;
}

}  // namespace bantam
