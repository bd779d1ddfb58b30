#include <algorithm>
#include <array>

#include "retrieval/parse.h"

namespace bantam {
namespace {

using enum DocumentFormat;

struct NamedFormat {
  std::string_view name;
  DocumentFormat format;
};

constexpr NamedFormat kExtensions[] = {
    {".txt", text},          {".text", text},    {".log", text},     {".rst", text},    {".adoc", text},
    {".org", text},          {".tex", text},     {".srt", text},     {".vtt", text},    {".md", markdown},
    {".markdown", markdown}, {".mdx", markdown}, {".html", html},    {".htm", html},    {".xhtml", html},
    {".pdf", pdf},           {".docx", docx},    {".csv", csv},      {".tsv", csv},     {".json", json},
    {".jsonl", json},        {".ndjson", json},  {".c", source},     {".h", source},    {".cc", source},
    {".cpp", source},        {".cxx", source},   {".hh", source},    {".hpp", source},  {".inc", source},
    {".cu", source},         {".cs", source},    {".py", source},    {".pyi", source},  {".js", source},
    {".mjs", source},        {".jsx", source},   {".ts", source},    {".tsx", source},  {".svelte", source},
    {".vue", source},        {".css", source},   {".java", source},  {".kt", source},   {".scala", source},
    {".go", source},         {".rs", source},    {".swift", source}, {".rb", source},   {".php", source},
    {".pl", source},         {".lua", source},   {".r", source},     {".jl", source},   {".sh", source},
    {".bash", source},       {".zsh", source},   {".ps1", source},   {".sql", source},  {".proto", source},
    {".cmake", source},      {".mk", source},    {".toml", source},  {".yaml", source}, {".yml", source},
    {".ini", source},        {".cfg", source},   {".conf", source},  {".hs", source},   {".ml", source},
    {".ex", source},         {".exs", source},   {".erl", source},   {".clj", source},  {".zig", source},
    {".dart", source},       {".m", source},
};

constexpr NamedFormat kWholeNames[] = {
    {"readme", text}, {"license", text},          {"copying", text},    {"authors", text},      {"changelog", text},
    {"notice", text}, {"cmakelists.txt", source}, {"makefile", source}, {"dockerfile", source},
};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

template <size_t N>
std::optional<DocumentFormat> look_up(const NamedFormat (&table)[N], const std::string& name) {
  const auto* found = std::ranges::find(table, std::string_view(name), &NamedFormat::name);
  if (found == std::end(table)) return std::nullopt;
  return found->format;
}

}  // namespace

std::string_view name_of(DocumentFormat format) {
  constexpr std::array<std::string_view, 8> kNames = {"text", "markdown", "source", "html",
                                                      "pdf",  "docx",     "csv",    "json"};
  return kNames[static_cast<size_t>(format)];
}

std::optional<DocumentFormat> format_of(const std::filesystem::path& path) {
  std::string name = path.filename().string(), extension = path.extension().string();
  std::ranges::transform(name, name.begin(), lower);
  std::ranges::transform(extension, extension.begin(), lower);
  if (const auto known = look_up(kWholeNames, name)) return known;
  return look_up(kExtensions, extension);
}

}  // namespace bantam
