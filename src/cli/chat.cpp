// bantam chat: a conversation on a terminal, or line by line through a pipe.
#include <algorithm>
#include <iostream>
#include <optional>

#include "base/error.h"
#include "cli/command.h"
#include "cli/conversation.h"
#include "cli/docs_chat.h"
#include "cli/interrupt.h"
#include "cli/line_editor.h"
#include "cli/terminal.h"
#include "cli/version.h"

namespace bantam {
namespace {

struct Options {
  LibraryOptions library;
  RunOptions run;
  SamplingOptions sampling;
  std::string system;
  std::optional<std::string> once;
  int max_tokens = 512;
};

void declare(CLI::App& command, Options& options) {
  add_library_options(command, options.library);
  add_run_options(command, options.run);
  command.add_option("--system", options.system, "what the model should be");
  command.add_option("--once", options.once, "answer this message and end");
  command.add_option("-n,--max-tokens", options.max_tokens, "longest answer")->capture_default_str();
  add_sampling_options(command, options.sampling);
}

constexpr std::string_view kHelp =
    "  /help                  this list\n"
    "  /reset                 forget the conversation\n"
    "  /retry                 another answer to the last message\n"
    "  /system [TEXT]         show or set what the model should be; /system none for nothing\n"
    "  /params [NAME VALUE]   show or change a parameter, such as temperature\n"
    "  /save FILE             keep the conversation\n"
    "  /load FILE             take up a conversation\n"
    "  /model [FILE]          show the model, or change it and keep the conversation\n"
    "  /exit                  end; so does Ctrl-D\n"
    "A line that ends in \\ goes on in the next. Ctrl-C stops an answer. // begins a message that starts with /.\n";

// Text of one chat on standard output. On a terminal answers are streamed and coloured marks tell who speaks.
class Chat {
 public:
  Chat(Conversation conversation, bool interactive)
      : conversation_(std::move(conversation)), interactive_(interactive), colour_(stdout_takes_colour()) {}

  const Conversation& conversation() const { return conversation_; }
  std::string prompt() const { return paint("\033[1;36m", "you> "); }
  std::string more_prompt() const { return paint("\033[1;36m", "...> "); }

  // Answers a message or obeys a command; false when it says to end. Throws Error.
  bool take(const std::string& line) {
    const size_t first = line.find_first_not_of(" \t");
    if (first == std::string::npos) return true;
    if (line[first] != '/') {
      show([&](const GenerateEvents& events) { return conversation_.answer(line, events); });
    } else if (line.compare(first, 2, "//") == 0) {
      show([&](const GenerateEvents& events) { return conversation_.answer(line.substr(first + 1), events); });
    } else {
      return obey(std::string_view(line).substr(first));
    }
    return true;
  }

  // About the conversation, not part of it: kept out of a pipe's output.
  void remark(std::string_view text) {
    if (!interactive_) return notice(text);
    print(paint("\033[2m", fmt::format("[{}]", text)) + "\n");
  }

 private:
  std::string paint(std::string_view code, std::string_view text) const {
    return colour_ ? fmt::format("{}{}\033[0m", code, text) : std::string(text);
  }

  template <class F>
  void show(F&& generate_answer) {
    GenerateEvents events;
    events.on_text = [](std::string_view piece) {
      print(piece);
      flush_output();
    };
    events.cancelled = interrupted;
    const std::optional<Generation> result = generate_answer(events);
    if (!result) return remark("there is no message to answer again");
    print("\n");
    if (result->finish == FinishReason::cancelled) {
      clear_interrupt();
      remark("stopped");
    }
    if (result->finish == FinishReason::context_full) remark("the context is full; /reset begins again");
    if (result->finish == FinishReason::max_tokens) {
      remark(fmt::format("cut after {} tokens; /params max_tokens N allows more", result->tokens.size()));
    }
    flush_output();
  }

  bool obey(std::string_view line) {
    const size_t space = std::min(line.find(' '), line.size());
    const std::string_view command = line.substr(0, space);
    const size_t begin = std::min(line.find_first_not_of(' ', space), line.size());
    const std::string argument(line.substr(begin, line.find_last_not_of(' ') + 1 - begin));
    if (command == "/exit" || command == "/quit") return false;
    if (command == "/help") {
      print(kHelp);
    } else if (command == "/reset") {
      conversation_.reset();
      remark("a new conversation");
    } else if (command == "/retry") {
      show([&](const GenerateEvents& events) { return conversation_.retry(events); });
    } else if (command == "/system") {
      if (!argument.empty()) conversation_.set_system(argument == "none" ? "" : argument);
      remark(conversation_.system().empty() ? "no system text" : "system: " + conversation_.system());
    } else if (command == "/params") {
      change_params(argument);
    } else if (command == "/save") {
      conversation_.save(required(command, argument));
      remark(fmt::format("{} messages in {}", conversation_.messages().size(), argument));
    } else if (command == "/load") {
      conversation_.load(required(command, argument));
      remark(fmt::format("{} messages from {}", conversation_.messages().size(), argument));
    } else if (command == "/model") {
      if (!argument.empty()) conversation_.use_model(argument);
      remark(conversation_.describe_model());
    } else {
      throw UsageError("{} is not a command; /help lists them, and // begins a message that starts with /", command);
    }
    flush_output();
    return true;
  }

  void change_params(const std::string& argument) {
    if (!argument.empty()) {
      const size_t space = argument.find(' ');
      if (space == std::string::npos) throw UsageError("/params needs a name and a value, or neither");
      conversation_.set_param(argument.substr(0, space), argument.substr(argument.find_first_not_of(' ', space)));
    }
    print(conversation_.describe_params());
  }

  static const std::string& required(std::string_view command, const std::string& argument) {
    if (argument.empty()) throw UsageError("{} needs a file name", command);
    return argument;
  }

  Conversation conversation_;
  bool interactive_, colour_;
};

// What was typed, with lines joined that end in a backslash.
LineEditor::Outcome read_message(LineEditor& editor, const Chat& chat, std::string& message) {
  message.clear();
  std::string line;
  auto outcome = editor.read(chat.prompt(), line);
  while (outcome == LineEditor::Outcome::line && line.ends_with('\\')) {
    line.back() = '\n';
    message += line;
    outcome = editor.read(chat.more_prompt(), line);
  }
  message += line;
  return outcome;
}

void chat_on_terminal(Chat& chat) {
  const InterruptGuard guard;
  LineEditor editor(history_path());
  print(fmt::format("bantam {}: {}\n", kVersion, chat.conversation().describe_model()));
  chat.remark("/help lists what you can do, Ctrl-C stops an answer, Ctrl-D ends");
  std::string message;
  while (true) {
    flush_output();
    const auto outcome = read_message(editor, chat, message);
    if (outcome == LineEditor::Outcome::end) return;
    if (outcome == LineEditor::Outcome::interrupted) continue;
    try {
      if (!chat.take(message)) return;
    } catch (const Error& error) {
      notice(error.what());  // the conversation goes on
    }
  }
}

void chat_through_pipe(Chat& chat) {
  std::string line;
  while (std::getline(std::cin, line)) {
    if (line.ends_with('\r')) line.pop_back();
    if (!chat.take(line)) return;
  }
}

// About documents, or about the manual.
void talk_about_documents(const Options& options) {
  DocsChatOptions docs{options.library, {}, {options.run.model, options.run.context, options.run.kv}, options.once};
  docs.library.threads = docs.reader.threads = options.run.threads;
  chat_about_documents(docs);
}

void run(const Options& options) {
  if (options.run.model.empty() || !options.library.is_manual()) return talk_about_documents(options);
  const bool interactive = stdin_is_terminal() && stdout_is_terminal() && !options.once;
  Conversation conversation(options.run, options.sampling, options.max_tokens);
  conversation.set_system(options.system);
  Chat chat(std::move(conversation), interactive);
  if (options.once) {
    chat.take(*options.once);
  } else if (interactive) {
    chat_on_terminal(chat);
  } else {
    chat_through_pipe(chat);
  }
}

}  // namespace

void add_chat(CLI::App& app) {
  add_command<Options>(app, "chat", "Talk about documents, or to a language model",
                       "  bantam chat                        (about the manual of this program)\n"
                       "  bantam chat --docs ~/Documents/handbook\n"
                       "  bantam chat --docs ~/Documents/handbook -m phi-3.gguf    (which writes the answers)\n"
                       "  bantam chat -m model.gguf --system 'You answer in one sentence.' --temp 0.3\n"
                       "  bantam chat -m llama-8b.gguf --draft llama-1b.gguf\n"
                       "  bantam chat --once 'Does Bantam need a GPU?'\n"
                       "  bantam chat < questions.txt\n",
                       declare, run);
}

}  // namespace bantam
