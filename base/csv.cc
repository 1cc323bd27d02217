#include "base/csv.h"

#include <algorithm>

namespace wayside {

void CsvReader::begin(std::string_view text) {
  constexpr std::string_view kByteOrder = "\xEF\xBB\xBF";
  text_ = left_ = text;
  if (left_.starts_with(kByteOrder)) left_.remove_prefix(kByteOrder.size());
  undone_.clear();
  line_ = 0;
  next_line_ = 1;
  in_row_ = unfinished_ = false;
}

bool CsvReader::next_row() {
  for (std::string_view rest; next_cell(rest);) {
  }
  while (pass_end_of_line() || pass_blank_line()) {
  }
  line_ = next_line_;
  in_row_ = !left_.empty();
  return in_row_;
}

bool CsvReader::next_cell(std::string_view& cell) {
  if (!in_row_) return false;
  if (const size_t blanks = blank_size(); left_.substr(blanks).starts_with('"')) {
    left_.remove_prefix(blanks);
  }
  cell = left_.starts_with('"') ? take_quoted() : take_bare();
  if (left_.starts_with(delimiter_)) {
    left_.remove_prefix(1);
  } else {
    pass_end_of_line();
    in_row_ = false;
  }
  return true;
}

bool CsvReader::next(std::vector<std::string_view>& cells) {
  cells.clear();
  if (!next_row()) return false;
  for (std::string_view cell; next_cell(cell);) cells.push_back(cell);
  return true;
}

// The last line may end with half of its end.
bool CsvReader::pass_end_of_line() {
  if (left_ == "\r") left_ = {};
  if (left_.starts_with("\r\n")) left_.remove_prefix(1);
  if (!left_.starts_with('\n')) return false;
  pass(1);
  return true;
}

bool CsvReader::pass_blank_line() {
  const size_t size = blank_size();
  if (size == 0 || size != bare_size() || left_.substr(size).starts_with(delimiter_)) return false;
  left_.remove_prefix(size);
  return true;
}

// Of those in front that do not count.
size_t CsvReader::blank_size() const {
  if (blanks_ == Blanks::kKept) return 0;
  const auto is_blank = [&](char c) { return (c == ' ' || c == '\t') && c != delimiter_; };
  return static_cast<size_t>(std::find_if_not(left_.begin(), left_.end(), is_blank) -
                             left_.begin());
}

void CsvReader::pass(size_t size) {
  const std::string_view passed = left_.substr(0, size);
  next_line_ += static_cast<size_t>(std::count(passed.begin(), passed.end(), '\n'));
  left_.remove_prefix(size);
}

// Up to the delimiter or the end of the line.
size_t CsvReader::bare_size() const {
  size_t size = 0;
  while (size < left_.size() && left_[size] != delimiter_ && left_[size] != '\n') ++size;
  const bool at_end = size == left_.size() || left_[size] == '\n';
  return at_end && size > 0 && left_[size - 1] == '\r' ? size - 1 : size;
}

std::string_view CsvReader::take_bare() {
  const size_t blanks = blank_size();
  std::string_view cell = left_.substr(0, bare_size());
  left_.remove_prefix(cell.size());
  if (blanks_ == Blanks::kKept) return cell;
  cell.remove_prefix(blanks);
  return cell.substr(0, cell.find_last_not_of(" \t") + 1);
}

// What follows the closing quote belongs to the cell, too.
std::string_view CsvReader::take_quoted() {
  left_.remove_prefix(1);
  const size_t begin = undone_.size();
  while (true) {
    const size_t size = std::min(left_.find('"'), left_.size());
    const std::string_view part = left_.substr(0, size);
    pass(size);
    if (left_.empty()) unfinished_ = true;
    if (!left_.empty()) left_.remove_prefix(1);
    const bool is_twice = left_.starts_with('"') && !unfinished_;
    if (!is_twice && blank_size() == bare_size()) left_.remove_prefix(blank_size());
    if (!is_twice && undone_.size() == begin && bare_size() == 0) return part;
    // Never more than the text, so that what was written there stays where it is.
    if (undone_.capacity() < text_.size()) undone_.reserve(text_.size());
    undone_ += part;
    if (!is_twice) break;
    undone_ += '"';
    left_.remove_prefix(1);
  }
  undone_ += take_bare();
  return std::string_view(undone_).substr(begin);
}

}  // namespace wayside
