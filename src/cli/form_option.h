// The form that an answer must have, as flags of a command.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "text/grammar/answer_form.h"

namespace bantam {

struct FormOptions {
  std::string schema, grammar;  // files
  std::string regex, choices;
};

void add_form_options(CLI::App& command, FormOptions& options);

// Kind::free where no flag was given. Throws IoError when a file cannot be read.
AnswerForm answer_form(const FormOptions& options);

}  // namespace bantam
