// Everything that decides what a training run produces, as plain data: the command line's flags and a recipe file's
// keys are these fields, and a resumed run must have the same.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "model/config.h"
#include "train/optimizer.h"

namespace bantam {

struct Recipe {
  // Files of documents, "file" or "file:share" with share of the rows in (0, 1]; and files only measured on.
  std::vector<std::string> data, eval;
  std::string task = "text";  // text: predict the next token; reading: find answers in passages
  std::string tokenizer;      // a GGUF file whose vocabulary is used; "": one of vocab_size tokens is trained
  std::string init_from;      // a model file to continue from: its shape and vocabulary are used

  int64_t vocab_size = 8192;
  int64_t dim = 256, layers = 8, heads = 4, kv_heads = 0, ffn = 0;  // 0: as heads; 8/3 dim rounded up to 32
  int64_t context = 512;
  double rope_theta = 10000;
  bool tied_embeddings = true;

  int64_t batch_tokens = 16384;  // inputs per optimiser step
  int64_t micro_tokens = 4096;   // inputs that are in memory at a time
  int64_t steps = 0;             // exactly one of steps and hours is not 0
  double hours = 0;
  int64_t warmup = 40;       // steps
  double decay_share = 0.4;  // of the steps or the time
  double lr = 0.006;         // Muon
  double embed_lr = 0.006;   // AdamW
  double weight_decay = 0.1;
  double clip = 1;  // the gradient's norm; 0: never
  int64_t seed = 1;
  std::string weights = "f32";  // f32, bf16: format of the weights between steps
  std::string matmul = "f32";   // f32, bf16: precision of the matrix products

  int64_t eval_tokens = 65536;  // of each eval file, whole documents; 0: all
};

// A number's bounds, or an empty range for texts, lists and switches.
struct FieldRange {
  double low = 0, high = 0;
};

// Calls f(name, help, range, member) for every field of a Recipe or const Recipe, in the order shown to users.
template <class R, class F>
void for_each_field(R& r, F&& f) {
  f("data", "files of documents to train on, FILE or FILE:SHARE of the rows", FieldRange{}, r.data);
  f("eval", "files of documents to measure on", FieldRange{}, r.eval);
  f("task", "what is learned: text (the next token) or reading (answers in passages)", FieldRange{}, r.task);
  f("tokenizer", "GGUF file whose vocabulary to use; default: train one", FieldRange{}, r.tokenizer);
  f("init_from", "model file to continue from: its shape and vocabulary are used", FieldRange{}, r.init_from);
  f("vocab_size", "tokens of the vocabulary to train", FieldRange{300, 1 << 20}, r.vocab_size);
  f("dim", "width of the model", FieldRange{16, 16384}, r.dim);
  f("layers", "number of layers", FieldRange{1, 256}, r.layers);
  f("heads", "attention heads", FieldRange{1, 256}, r.heads);
  f("kv_heads", "heads of keys and values; 0: as heads", FieldRange{0, 256}, r.kv_heads);
  f("ffn", "width of the feed-forward block; 0: 8/3 of dim", FieldRange{0, 65536}, r.ffn);
  f("context", "tokens of a training row", FieldRange{8, 65536}, r.context);
  f("rope_theta", "base of the position rotation", FieldRange{100, 1e9}, r.rope_theta);
  f("tied_embeddings", "share the token table with the output", FieldRange{}, r.tied_embeddings);
  f("batch_tokens", "tokens of one optimiser step", FieldRange{8, 1 << 26}, r.batch_tokens);
  f("micro_tokens", "tokens in memory at a time", FieldRange{8, 1 << 20}, r.micro_tokens);
  f("steps", "optimiser steps; or give hours", FieldRange{0, 1e9}, r.steps);
  f("hours", "time to train, over all resumes; or give steps", FieldRange{0, 1e5}, r.hours);
  f("warmup", "steps in which the learning rate rises", FieldRange{0, 1e6}, r.warmup);
  f("decay_share", "part of the run in which the learning rate falls", FieldRange{0, 1}, r.decay_share);
  f("lr", "learning rate of hidden matrices (Muon)", FieldRange{0, 1}, r.lr);
  f("embed_lr", "learning rate of embeddings, head and norms (AdamW)", FieldRange{0, 1}, r.embed_lr);
  f("weight_decay", "weight decay per unit of learning rate, linear to zero", FieldRange{0, 10}, r.weight_decay);
  f("clip", "largest norm of the gradient; 0: any", FieldRange{0, 1e6}, r.clip);
  f("seed", "of initial weights and shuffling", FieldRange{0, 9e15}, r.seed);
  f("weights", "format of the weights between steps: f32, bf16", FieldRange{}, r.weights);
  f("matmul", "precision of matrix products: f32, bf16", FieldRange{}, r.matmul);
  f("eval_tokens", "tokens of each eval file to measure on; 0: all", FieldRange{0, 1e12}, r.eval_tokens);
}

// One JSON object with every field.
std::string to_json_text(const Recipe& recipe);

// Fields that the object has replace `recipe`'s. Throws FormatError naming `source` and the key that is unknown or has
// the wrong type.
void merge_json(Recipe& recipe, std::string_view text, std::string_view source);

// Copies the named fields from one recipe to another.
void take_fields(Recipe& to, const Recipe& from, const std::vector<std::string>& fields);

// Throws UsageError naming the flag, what was found and what was wanted.
void validate(const Recipe& recipe);

// "dim: 256 there, 512 here" for the first field that differs; empty when the recipes are the same.
std::string first_difference(std::string_view there_json, std::string_view here_json);

// A data entry's file and share; share -1 where none is given. Throws UsageError for a share outside (0, 1].
struct DataSpec {
  std::filesystem::path path;
  double share = -1;
};
DataSpec parse_data_spec(const std::string& entry);

// Turns a model's shape into the reader's of the same layers: rows see each other both ways, token types come in and
// the begin and end of a span out.
void make_reader(ModelConfig& config);

// The model the recipe describes, of the llama family or a reader, for a vocabulary of `vocab` tokens.
ModelConfig model_config(const Recipe& recipe, int vocab);
OptimizerSettings optimizer_settings(const Recipe& recipe);

}  // namespace bantam
