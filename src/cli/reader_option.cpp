#include "cli/reader_option.h"

#include "base/error.h"
#include "cli/model_option.h"
#include "formats/gguf.h"

// The bytes of models/bantam-reader.gguf, or none: see cmake/embed.cmake.
extern "C" const std::byte bantam_embedded_reader[], bantam_embedded_reader_end[];

namespace bantam {

void add_reader_options(CLI::App& command, ReaderOptions& options) {
  command.add_option("--reader", options.model, "GGUF file of a reader (default: the one inside this program)");
  add_threads_option(command, options.threads);
}

Reader open_reader(const ReaderOptions& options) {
  if (!options.model.empty()) return Reader(open_model(options.model), options.threads);
  const std::span bytes(bantam_embedded_reader, bantam_embedded_reader_end);
  if (bytes.empty()) throw UsageError("this build has no reader inside; name one with --reader FILE");
  return Reader(Model::from_file(read_gguf(bytes, "embedded reader")), options.threads);
}

ReadPassages reading_with(Reader& reader) {
  return [&reader](std::string_view question, std::span<const std::string_view> passages) {
    return reader.read(question, passages);
  };
}

}  // namespace bantam
