// bantam ask: one question, answered from documents.
#include "base/error.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/library.h"
#include "cli/reader_option.h"
#include "cli/show_answer.h"
#include "cli/terminal.h"
#include "cli/writer_option.h"
#include "text/unicode.h"

namespace bantam {
namespace {

struct Options {
  LibraryOptions library;
  ReaderOptions reader;
  WriterOptions writer;
  AnswerOptions answer;
  std::string question;
  bool json = false;
};

void declare(CLI::App& command, Options& options) {
  command.add_option("question", options.question, "what to ask")->required();
  add_library_options(command, options.library);
  add_reader_options(command, options.reader);
  add_writer_options(command, options.writer);
  command.add_option("-n,--passages", options.answer.passages, "passages that are read")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command.add_option("--confidence", options.answer.confidence, "below this the documents do not say")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command.add_flag("--json", options.json, "one JSON object on standard output");
}

void run(const Options& options) {
  const std::string question = to_nfc(options.question);
  if (question.find_first_not_of(" \t\r\n") == std::string::npos) throw UsageError("the question is empty");
  Reader reader = open_reader(options.reader);
  const std::unique_ptr<Writer> writer = open_writer(options.writer, options.reader.threads);
  LibraryOptions library = options.library;
  library.threads = options.reader.threads;
  Index index = open_library(library);
  const InterruptGuard guard;
  const Answer found = answer_with(index, reader, writer.get(), question, options.answer);
  if (options.json) return print(to_line(answer_json(found, question)) + "\n");
  print(answer_text(found, question, stdout_takes_colour()));
}

}  // namespace

void add_ask(CLI::App& app) {
  add_command<Options>(app, "ask", "Answer a question from documents, with the sentence that says it",
                       "  bantam ask 'Does Bantam need a GPU?'\n"
                       "  bantam ask 'Who is responsible for backups?' --docs ~/Documents/handbook\n"
                       "  bantam ask 'What are the rules for travel?' --docs handbook/ -m phi-3.gguf\n"
                       "  bantam ask 'Where can I sleep?' --index work.index --embedder embedding.gguf\n"
                       "  bantam ask '휴가는 며칠인가요?' --index work.index --json\n",
                       declare, run);
}

}  // namespace bantam
