// Comma-separated values (RFC 4180): cells in quotes may hold commas, ends of lines, and quotes
// written twice.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace wayside {

// Reads from a text that it borrows. Empty lines, and the mark of byte order before the first one,
// are passed over.
class CsvReader {
 public:
  explicit CsvReader(std::string_view text);

  bool next(std::vector<std::string>& cells);      // false: the text is at its end
  size_t line() const { return line_; }            // where the row began, from 1
  bool unfinished() const { return unfinished_; }  // it ended within quotes

 private:
  bool read_cell(std::string& cell);

  std::string_view left_;
  size_t line_ = 0;
  size_t next_line_ = 1;
  bool unfinished_ = false;
};

}  // namespace wayside
