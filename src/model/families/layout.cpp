#include "model/families/layout.h"

#include <fmt/format.h>

#include <array>

namespace bantam {
namespace {

// "blk.3.ffn_gate.0.weight" taken apart.
struct NameParts {
  std::string_view layer;   // "3"; empty outside of layers
  std::string_view stem;    // "ffn_gate"
  std::string_view expert;  // "0"; empty elsewhere
  std::string_view suffix;  // ".weight" or ".bias"

  explicit NameParts(std::string_view name) {
    if (name.starts_with("blk.")) {
      name.remove_prefix(4);
      layer = name.substr(0, name.find('.'));
      name.remove_prefix(layer.size() + 1);
    }
    suffix = name.substr(name.rfind('.'));
    name.remove_suffix(suffix.size());
    stem = name.substr(0, name.find('.'));
    if (!layer.empty() && stem.size() < name.size()) expert = name.substr(stem.size() + 1);
    if (layer.empty()) stem = name;
  }

  std::string joined() const {
    return fmt::format("{}{}{}{}{}{}{}", layer.empty() ? "" : "blk.", layer, layer.empty() ? "" : ".", stem,
                       expert.empty() ? "" : ".", expert, suffix);
  }
};

struct Fusion {
  bool TensorLayout::*in_use;
  std::string_view whole;
  std::array<std::string_view, 3> parts;
};

constexpr Fusion kFusions[] = {{&TensorLayout::fused_qkv, "attn_qkv", {"attn_q", "attn_k", "attn_v"}},
                               {&TensorLayout::fused_gate_up, "ffn_up", {"ffn_gate", "ffn_up", ""}}};

const Fusion* fusion_of(const TensorLayout& layout, std::string_view stem) {
  for (const Fusion& fusion : kFusions) {
    if (!(layout.*fusion.in_use)) continue;
    for (const std::string_view part : fusion.parts) {
      if (part == stem) return &fusion;
    }
  }
  return nullptr;
}

}  // namespace

std::string TensorLayout::name_of(std::string_view name) const {
  if (stems.empty()) return std::string(name);
  const NameParts parts(name);
  for (const auto& [ours, theirs] : stems) {
    if (ours != parts.stem || (theirs.find("{}") != std::string_view::npos) != !parts.expert.empty()) continue;
    std::string out = parts.layer.empty() ? "" : fmt::format("{}{}.", layers, parts.layer);
    out += parts.expert.empty() ? std::string(theirs) : fmt::format(fmt::runtime(theirs), parts.expert);
    return out.append(parts.suffix);
  }
  return {};
}

std::string TensorLayout::whole_of(std::string_view name) const {
  NameParts parts(name);
  const std::string stacked = fmt::format("{}_exps", parts.stem);
  if (!parts.expert.empty() && stacked_experts) {
    parts.stem = stacked;
    parts.expert = {};
  } else if (const Fusion* fusion = fusion_of(*this, parts.stem)) {
    parts.stem = fusion->whole;
  }
  return name_of(parts.joined());
}

const NamedTensor* TensorLayout::find(const ModelFile& file, std::string_view name) const {
  NameParts first(name);
  // A format that can fuse may also not: the first part's presence tells, since "ffn_up" names both a part and a whole.
  if (const Fusion* fusion = fusion_of(*this, first.stem)) first.stem = fusion->parts[0];
  const bool apart = file.find(name_of(first.joined())) != nullptr;
  return file.find(apart ? name_of(name) : whole_of(name));
}

}  // namespace bantam
