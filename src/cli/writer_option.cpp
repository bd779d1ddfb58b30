#include "cli/writer_option.h"

#include <cstdio>

#include "base/error.h"
#include "cli/interrupt.h"
#include "cli/model_option.h"
#include "cli/reader_option.h"
#include "cli/run_check.h"
#include "cli/terminal.h"

namespace bantam {
namespace {

// One line on a terminal's standard error that says what is going on, gone when the work is done.
class Status {
 public:
  explicit Status(const std::string& text) { show(text); }
  ~Status() { show(""); }
  Status(const Status&) = delete;
  Status& operator=(const Status&) = delete;

  void show(const std::string& text) {
    if (stderr_is_terminal()) std::fprintf(stderr, "\r\x1b[K%s", text.c_str());
  }
};

}  // namespace

void add_writer_options(CLI::App& command, WriterOptions& options) {
  command.add_option("-m,--model", options.model,
                     "language model that writes the answer, each sentence checked against the documents (default: "
                     "none, the answer is quoted)");
  command.add_option("-c,--context", options.context, "most tokens of passages and written answer together");
  add_kv_option(command, options.kv);
}

std::unique_ptr<Writer> open_writer(const WriterOptions& options, int threads) {
  if (options.model.empty()) return nullptr;
  std::shared_ptr<const Model> model = open_model(options.model);
  if (!model->config().causal) {
    throw UsageError("{} is a reader, which chooses answers and writes none; name it with --reader", options.model);
  }
  check_run(*model, options.context, options.kv, options.model);
  auto writer = std::make_unique<Writer>(std::move(model), threads, options.context, cache_format(options.kv));
  say_warning(writer->tokenizer());
  return writer;
}

Answer answer_with(Index& index, Reader& reader, Writer* writer, const std::string& question,
                   const AnswerOptions& options) {
  const Findings findings = find(index, reading_with(reader), question, options.passages);
  if (!writer) return answer_from(findings, options);
  Status status("reading the passages ...");
  const WriteSentences write = [&](std::string_view asked, std::span<const Source> sources,
                                   const std::function<void(const CitedSentence&)>& on_sentence) {
    size_t written = 0;
    const Writing writing = writer->write(asked, sources,
                                          {.on_sentence =
                                               [&](const CitedSentence& s) {
                                                 on_sentence(s);
                                                 status.show(fmt::format("writing: {} sentences ...", ++written));
                                               },
                                           .cancelled = interrupted});
    throw_if_interrupted();
    return Draft{writing.sentences, writing.sources_read, writing.not_found};
  };
  return written_answer(findings, write, question, options);
}

}  // namespace bantam
