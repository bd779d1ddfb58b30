#include <gumbo.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "retrieval/document_builder.h"
#include "retrieval/encoding.h"
#include "retrieval/parsers.h"

namespace bantam {
namespace {

// All memory of one parse, given back at once: Gumbo's own clean-up recurses as deep as the page nests.
class Arena {
 public:
  void* take(size_t bytes) {
    bytes = (bytes + alignof(std::max_align_t) - 1) & ~(alignof(std::max_align_t) - 1);
    if (bytes > left_) {
      const size_t block = std::max(bytes, kBlockBytes);
      blocks_.push_back(std::make_unique_for_overwrite<std::byte[]>(block));
      next_ = blocks_.back().get();
      left_ = block;
    }
    void* taken = next_;
    next_ += bytes;
    left_ -= bytes;
    return taken;
  }

 private:
  static constexpr size_t kBlockBytes = size_t{1} << 16;
  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  std::byte* next_ = nullptr;
  size_t left_ = 0;
};

enum class Role { inline_text, block, heading, line_break, item, row, cell, preformatted, hidden };

Role role_of(GumboTag tag) {
  switch (tag) {
    case GUMBO_TAG_H1:
    case GUMBO_TAG_H2:
    case GUMBO_TAG_H3:
    case GUMBO_TAG_H4:
    case GUMBO_TAG_H5:
    case GUMBO_TAG_H6:
      return Role::heading;
    case GUMBO_TAG_P:
    case GUMBO_TAG_DIV:
    case GUMBO_TAG_SECTION:
    case GUMBO_TAG_ARTICLE:
    case GUMBO_TAG_MAIN:
    case GUMBO_TAG_HEADER:
    case GUMBO_TAG_FOOTER:
    case GUMBO_TAG_ASIDE:
    case GUMBO_TAG_BLOCKQUOTE:
    case GUMBO_TAG_UL:
    case GUMBO_TAG_OL:
    case GUMBO_TAG_DL:
    case GUMBO_TAG_TABLE:
    case GUMBO_TAG_FIGURE:
    case GUMBO_TAG_FIGCAPTION:
    case GUMBO_TAG_ADDRESS:
    case GUMBO_TAG_HR:
    case GUMBO_TAG_CAPTION:
    case GUMBO_TAG_DETAILS:
    case GUMBO_TAG_SUMMARY:
    case GUMBO_TAG_FIELDSET:
    case GUMBO_TAG_FORM:
    case GUMBO_TAG_BODY:
      return Role::block;
    case GUMBO_TAG_BR:
      return Role::line_break;
    case GUMBO_TAG_LI:
    case GUMBO_TAG_DT:
    case GUMBO_TAG_DD:
      return Role::item;
    case GUMBO_TAG_TR:
      return Role::row;
    case GUMBO_TAG_TD:
    case GUMBO_TAG_TH:
      return Role::cell;
    case GUMBO_TAG_PRE:
    case GUMBO_TAG_TEXTAREA:
    case GUMBO_TAG_LISTING:
      return Role::preformatted;
    case GUMBO_TAG_HEAD:
    case GUMBO_TAG_SCRIPT:
    case GUMBO_TAG_STYLE:
    case GUMBO_TAG_NAV:
    case GUMBO_TAG_NOSCRIPT:
    case GUMBO_TAG_TEMPLATE:
    case GUMBO_TAG_SVG:
    case GUMBO_TAG_IFRAME:
    case GUMBO_TAG_BUTTON:
    case GUMBO_TAG_SELECT:
    case GUMBO_TAG_OBJECT:
    case GUMBO_TAG_CANVAS:
    case GUMBO_TAG_AUDIO:
    case GUMBO_TAG_VIDEO:
    case GUMBO_TAG_NOFRAMES:
      return Role::hidden;
    default:
      return Role::inline_text;
  }
}

std::string_view attribute(const GumboElement& element, const char* name) {
  const GumboAttribute* found = gumbo_get_attribute(&element.attributes, name);
  return found ? std::string_view(found->value) : std::string_view();
}

bool is_hidden(const GumboElement& element) {
  if (role_of(element.tag) == Role::hidden || gumbo_get_attribute(&element.attributes, "hidden")) return true;
  if (attribute(element, "aria-hidden") == "true" || attribute(element, "role") == "navigation") return true;
  std::string style(attribute(element, "style"));
  std::erase(style, ' ');
  return style.find("display:none") != std::string::npos || style.find("visibility:hidden") != std::string::npos;
}

const GumboVector* children_of(const GumboNode& node) {
  if (node.type == GUMBO_NODE_DOCUMENT) return &node.v.document.children;
  return node.type == GUMBO_NODE_ELEMENT ? &node.v.element.children : nullptr;
}

// Calls enter(node) for every node in the order of the text, and leave(node) after the children of those it was true
// for.
template <class Enter, class Leave>
void walk(const GumboNode& root, Enter&& enter, Leave&& leave) {
  struct Open {
    const GumboNode* node;
    unsigned next;
  };
  std::vector<Open> open;
  const auto visit = [&](const GumboNode& node) {
    if (!enter(node)) return;
    if (children_of(node)) open.push_back({&node, 0});
  };
  visit(root);
  while (!open.empty()) {
    Open& top = open.back();
    const GumboVector* children = children_of(*top.node);
    if (top.next == children->length) {
      leave(*top.node);
      open.pop_back();
    } else {
      visit(*static_cast<const GumboNode*>(children->data[top.next++]));
    }
  }
}

class PageWriter {
 public:
  explicit PageWriter(DocumentBuilder& out) : out_(out) {}

  bool enter(const GumboNode& node) {
    switch (node.type) {
      case GUMBO_NODE_TEXT:
      case GUMBO_NODE_CDATA:
      case GUMBO_NODE_WHITESPACE:
        add(node.v.text.text);
        return false;
      case GUMBO_NODE_DOCUMENT:
        return true;
      case GUMBO_NODE_ELEMENT:
        return enter(node.v.element);
      default:
        return false;  // comments, templates
    }
  }

  void leave(const GumboNode& node) {
    if (node.type != GUMBO_NODE_ELEMENT) return;
    switch (role_of(node.v.element.tag)) {
      case Role::preformatted:
        --preformatted_;
        end_paragraph();
        break;
      case Role::heading:
      case Role::block:
        end_paragraph();
        break;
      case Role::item:
        end_line();
        break;
      case Role::row:
        out_.end_line();
        break;
      case Role::cell:
        --cells_;
        break;
      default:
        break;
    }
  }

 private:
  bool enter(const GumboElement& element) {
    if (is_hidden(element)) return false;
    switch (role_of(element.tag)) {
      case Role::heading:
        end_paragraph();
        if (cells_ == 0) out_.begin_heading(element.tag - GUMBO_TAG_H1 + 1);
        break;
      case Role::preformatted:
        end_paragraph();
        ++preformatted_;
        break;
      case Role::block:
        end_paragraph();
        break;
      case Role::line_break:
        end_line();
        break;
      case Role::item:
        end_line();
        if (element.tag == GUMBO_TAG_LI && cells_ == 0) out_.add_text("- ");
        break;
      case Role::row:
        out_.end_line();
        break;
      case Role::cell:
        if (!out_.at_line_start()) out_.add_text(" | ");
        ++cells_;
        break;
      default:
        break;
    }
    return true;
  }

  void add(const char* text) {
    if (preformatted_ > 0 && cells_ == 0) {
      out_.add_lines(text);
    } else {
      out_.add_text(text);
    }
  }

  // In a cell and in a heading a line's end is a space: they are one line.
  void end_line() {
    if (cells_ > 0 || out_.in_heading()) {
      out_.add_text(" ");
    } else {
      out_.end_line();
    }
  }
  void end_paragraph() {
    if (cells_ > 0) {
      out_.add_text(" ");
    } else {
      out_.end_paragraph();
    }
  }

  DocumentBuilder& out_;
  int preformatted_ = 0, cells_ = 0;
};

std::string title_of(const GumboNode& root) {
  std::string title;
  bool found = false;
  walk(
      root,
      [&](const GumboNode& node) {
        if (found || node.type != GUMBO_NODE_ELEMENT) return node.type == GUMBO_NODE_DOCUMENT && !found;
        if (node.v.element.tag == GUMBO_TAG_BODY) return false;
        if (node.v.element.tag != GUMBO_TAG_TITLE) return true;
        found = true;
        const GumboVector& children = node.v.element.children;
        if (children.length > 0) {
          const auto& text = *static_cast<const GumboNode*>(children.data[0]);
          if (text.type == GUMBO_NODE_TEXT) title = text.v.text.text;
        }
        return false;
      },
      [](const GumboNode&) {});
  return title;
}

// charset=... in the page's first 1024 bytes, where the standard has it.
std::string_view declared_charset(std::string_view bytes) {
  std::string_view head = bytes.substr(0, 1024);
  const size_t at = head.find("charset=");
  if (at == std::string_view::npos) return {};
  head.remove_prefix(at + 8);
  head.remove_prefix(std::min(head.find_first_not_of("\"' "), head.size()));
  return head.substr(0, head.find_first_of("\"' ;/>"));
}

}  // namespace

Document parse_html(std::string_view bytes, std::string_view name, const ParseLimits& limits) {
  const std::string html = clean_text(decode(bytes, declared_encoding(declared_charset(bytes), bytes, name)));
  Arena arena;
  GumboOptions options = kGumboDefaultOptions;
  options.userdata = &arena;
  options.allocator = [](void* memory, size_t size) { return static_cast<Arena*>(memory)->take(size); };
  options.deallocator = [](void*, void*) {};
  options.max_errors = 0;
  const GumboOutput* page = gumbo_parse_with_options(&options, html.data(), html.size());
  DocumentBuilder out(name, limits);
  PageWriter writer(out);
  walk(
      *page->root, [&](const GumboNode& node) { return writer.enter(node); },
      [&](const GumboNode& node) { writer.leave(node); });
  return out.finish(title_of(*page->document));
}

}  // namespace bantam
