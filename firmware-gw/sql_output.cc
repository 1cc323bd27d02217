#include "firmware-gw/sql_output.h"

#include <algorithm>

#include "base/text.h"

namespace wayside {
namespace {

constexpr size_t kMeasured = 1'000;  // rows
constexpr size_t kGap = 2;           // between columns

size_t width_of(std::string_view text) {  // in characters
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

}  // namespace

std::string json_row(const std::vector<std::string>& names, const SqlRow& row) {
  std::string line = "{";
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) line += ',';
    append_json_string(line, names[i]);
    line += ':';
    switch (row.type(i)) {
      case SqlRow::Type::kNull:
        line += "null";
        break;
      case SqlRow::Type::kInteger:
        line += std::to_string(row.integer(i));
        break;
      case SqlRow::Type::kReal:
        append_json_number(line, row.real(i));
        break;
      case SqlRow::Type::kText:
        append_json_string(line, row.text(i));
    }
  }
  return line + '}';
}

void TextTable::add(const SqlRow& row) {
  Line line(names_.size());
  for (size_t i = 0; i < line.size(); ++i) {
    const SqlRow::Type type = row.type(i);
    line[i].number = type == SqlRow::Type::kInteger || type == SqlRow::Type::kReal;
    if (type == SqlRow::Type::kInteger) line[i].text = std::to_string(row.integer(i));
    if (type == SqlRow::Type::kReal) append_json_number(line[i].text, row.real(i));
    if (type == SqlRow::Type::kText) line[i].text = printable(row.text(i));
  }
  if (!widths_.empty()) return write(line);
  first_.push_back(std::move(line));
  if (first_.size() == kMeasured) measure();
}

void TextTable::finish() {
  if (widths_.empty()) measure();
}

void TextTable::measure() {
  Line head;
  std::string rule;
  for (size_t i = 0; i < names_.size(); ++i) {
    const std::string name = printable(names_[i]);
    size_t width = width_of(name);
    bool numbers = !first_.empty();
    for (const Line& line : first_) {
      width = std::max(width, width_of(line[i].text));
      numbers = numbers && (line[i].number || line[i].text.empty());
    }
    widths_.push_back(width);
    head.push_back({name, numbers});
    rule += std::string(i > 0 ? kGap : 0, ' ') + std::string(width, '-');
  }
  if (names_.empty()) return;
  write(head);
  write_(rule);
  for (const Line& line : first_) write(line);
  first_.clear();
}

void TextTable::write(const Line& line) {
  std::string out;
  for (size_t i = 0; i < line.size(); ++i) {
    if (i > 0) out.append(kGap, ' ');
    const size_t width = width_of(line[i].text);
    const std::string fill(widths_[i] - std::min(widths_[i], width), ' ');
    const bool last = i + 1 == line.size();
    out += line[i].number ? fill + line[i].text : line[i].text + (last ? "" : fill);
  }
  write_(out);
}

}  // namespace wayside
