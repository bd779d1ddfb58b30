#include "text/grammar/grammar.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/utf8.h"

namespace bantam {

Grammar::NodeId Grammar::add(Node node) {
  if (nodes_.size() >= kMostNodes)
    throw FormatError("the form of the answer has more than {} parts; make it smaller", kMostNodes);
  nodes_.push_back(node);
  return static_cast<NodeId>(nodes_.size() - 1);
}

Grammar::NodeId Grammar::add(Kind kind, std::span<const NodeId> children) {
  const auto first = static_cast<uint32_t>(children_.size());
  if (children_.size() + children.size() > 2 * kMostNodes)
    throw FormatError("the form of the answer has more than {} parts; make it smaller", kMostNodes);
  children_.insert(children_.end(), children.begin(), children.end());
  return add({.kind = kind, .first = first, .count = static_cast<uint32_t>(children.size())});
}

Grammar::NodeId Grammar::chars(CharSet set) {
  ranges_ += set.ranges().size();
  if (ranges_ > 2 * kMostNodes)
    throw FormatError("the form of the answer has more than {} ranges of characters; make it smaller", 2 * kMostNodes);
  sets_.push_back(std::move(set));
  return add({.kind = Kind::chars, .first = static_cast<uint32_t>(sets_.size() - 1)});
}

Grammar::NodeId Grammar::text(std::string_view utf8) {
  std::vector<NodeId> parts;
  while (!utf8.empty()) {
    const auto c = decode_utf8(utf8);
    if (!c) throw FormatError("a text that the answer shall have is not UTF-8");
    parts.push_back(chars(CharSet::of(c->value)));
    utf8.remove_prefix(static_cast<size_t>(c->bytes));
  }
  return sequence(parts);
}

Grammar::NodeId Grammar::sequence(std::span<const NodeId> parts) {
  return parts.size() == 1 ? parts[0] : add(Kind::sequence, parts);
}

Grammar::NodeId Grammar::choice(std::span<const NodeId> options) {
  return options.size() == 1 ? options[0] : add(Kind::choice, options);
}

// A trie without nodes of one child: each step takes what all words left have in common. A stack of its own, because
// words may be long.
Grammar::NodeId Grammar::words(std::vector<std::string> words) {
  std::ranges::sort(words);
  words.erase(std::unique(words.begin(), words.end()), words.end());
  struct Group {
    size_t begin, end, done;  // words, and the bytes of them that are written already
    std::vector<NodeId> prefix, options;
    size_t next;  // word to make a group of
  };
  const auto common = [&](size_t begin, size_t end, size_t done) {
    const std::string_view first = words[begin], last = words[end - 1];
    size_t size = done;
    while (size < first.size() && size < last.size() && first[size] == last[size]) ++size;
    while (size > done && size < first.size() && (first[size] & 0xC0) == 0x80) --size;  // whole characters
    while (size > done && size < last.size() && (last[size] & 0xC0) == 0x80) --size;
    return size;
  };
  // The end of those words from `begin` on that have the same character at `done`.
  const auto same_char = [&](size_t begin, size_t end, size_t done) {
    const auto first = decode_utf8(std::string_view(words[begin]).substr(done));
    if (!first) throw FormatError("a text that the answer shall have is not UTF-8");
    const auto bytes = static_cast<size_t>(first->bytes);
    size_t i = begin + 1;
    while (i < end && words[i].compare(done, bytes, words[begin], done, bytes) == 0) ++i;
    return i;
  };
  if (words.empty()) return choice({});
  std::vector<Group> open;
  const auto enter = [&](size_t begin, size_t end, size_t done) {
    const size_t to = common(begin, end, done);
    Group group{begin, end, to, {text(std::string_view(words[begin]).substr(done, to - done))}, {}, begin};
    if (words[begin].size() == to) {  // it ends here
      group.options.push_back(empty());
      ++group.next;
    }
    open.push_back(std::move(group));
  };
  enter(0, words.size(), 0);
  for (;;) {
    Group& group = open.back();
    if (group.next < group.end) {
      const size_t begin = group.next, end = same_char(begin, group.end, group.done);
      group.next = end;
      enter(begin, end, group.done);
      continue;
    }
    const NodeId node = sequence({group.prefix[0], choice(group.options)});
    open.pop_back();
    if (open.empty()) return node;
    open.back().options.push_back(node);
  }
}

Grammar::NodeId Grammar::repeat(NodeId node, uint32_t least, uint32_t most) {
  if (least > most) throw FormatError("a part is to occur at least {} times and at most {}", least, most);
  if (least > kMostRepeats || (most > kMostRepeats && most != kUnbounded))
    throw FormatError("a part is to occur {} times, more than {}", most == kUnbounded ? least : most, kMostRepeats);
  const NodeId child[] = {node};
  const NodeId id = add(Kind::repeat, child);
  nodes_[id].least = least;
  nodes_[id].most = most;
  return id;
}

Grammar::RuleId Grammar::declare(std::string name) {
  rules_.push_back({std::move(name)});
  return static_cast<RuleId>(rules_.size() - 1);
}

Grammar::NodeId Grammar::call(RuleId rule) { return add({.kind = Kind::rule, .first = rule}); }

void Grammar::keep_only(const CharSet& writable) {
  for (CharSet& set : sets_) set = set & writable;
}

}  // namespace bantam
