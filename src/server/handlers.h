// The handlers of all routes; routes.cpp says which path each answers. Each takes a request that has been let in and
// may throw ApiError and the errors as_api_error() knows.
#pragma once

#include <memory>

#include "server/call.h"

namespace bantam {

// service.cpp
std::unique_ptr<Job> health(Call call);
std::unique_ptr<Job> readiness(Call call);
std::unique_ptr<Job> metrics(Call call);

// openai_chat.cpp, openai_completions.cpp, openai_responses.cpp
std::unique_ptr<Job> chat_completions(Call call);
std::unique_ptr<Job> completions(Call call);
std::unique_ptr<Job> responses(Call call);

// anthropic_messages.cpp
std::unique_ptr<Job> messages(Call call);
std::unique_ptr<Job> count_message_tokens(Call call);

// openai_models.cpp
std::unique_ptr<Job> list_models(Call call);
std::unique_ptr<Job> get_model(Call call);
std::unique_ptr<Job> tokenize(Call call);
std::unique_ptr<Job> detokenize(Call call);
std::unique_ptr<Job> moderations(Call call);

// openai_embeddings.cpp
std::unique_ptr<Job> embeddings(Call call);
std::unique_ptr<Job> rerank(Call call);
std::unique_ptr<Job> ollama_embed(Call call);
std::unique_ptr<Job> ollama_embeddings(Call call);

// openai_batches.cpp
std::unique_ptr<Job> create_file(Call call);
std::unique_ptr<Job> list_files(Call call);
std::unique_ptr<Job> get_file(Call call);
std::unique_ptr<Job> get_file_content(Call call);
std::unique_ptr<Job> delete_file(Call call);
std::unique_ptr<Job> create_batch(Call call);
std::unique_ptr<Job> list_batches(Call call);
std::unique_ptr<Job> get_batch(Call call);
std::unique_ptr<Job> cancel_batch(Call call);

// ollama_generate.cpp
std::unique_ptr<Job> ollama_generate(Call call);
std::unique_ptr<Job> ollama_chat(Call call);

// ollama_models.cpp
std::unique_ptr<Job> ollama_root(Call call);
std::unique_ptr<Job> ollama_version(Call call);
std::unique_ptr<Job> ollama_tags(Call call);
std::unique_ptr<Job> ollama_ps(Call call);
std::unique_ptr<Job> ollama_show(Call call);
std::unique_ptr<Job> ollama_pull(Call call);
std::unique_ptr<Job> ollama_create(Call call);
std::unique_ptr<Job> ollama_copy(Call call);
std::unique_ptr<Job> ollama_delete(Call call);

// grounded_chat.cpp: chat/completions with the field "documents"
std::unique_ptr<Job> grounded_chat(Call call);

}  // namespace bantam
