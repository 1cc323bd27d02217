// Comma-separated values (RFC 4180): cells in quotes may hold delimiters, ends of lines, and quotes
// written twice.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace wayside {

// Reads from a text that it borrows. Empty lines, and the mark of byte order before the first one,
// are passed over. A cell is a view into the text or, where quotes were written twice, into this:
// it lives until the next begin().
class CsvReader {
 public:
  enum class Blanks {
    kKept,
    kDropped,  // around a cell, though not within its quotes; a line of them alone is empty
  };
  explicit CsvReader(std::string_view text = {}, char delimiter = ',',
                     Blanks blanks = Blanks::kKept)
      : delimiter_(delimiter), blanks_(blanks) {
    begin(text);
  }

  // Another text; memory is kept.
  void begin(std::string_view text);
  // To the next row; what is left of this one is passed over. False: the text is at its end.
  bool next_row();
  bool next_cell(std::string_view& cell);           // false: the row has no more
  bool next(std::vector<std::string_view>& cells);  // all of the next row

  size_t line() const { return line_; }            // where the row began, from 1
  bool unfinished() const { return unfinished_; }  // the text ended within quotes

 private:
  bool pass_end_of_line();
  bool pass_blank_line();
  size_t blank_size() const;
  size_t bare_size() const;
  std::string_view take_bare();
  std::string_view take_quoted();
  void pass(size_t size);

  char delimiter_;
  Blanks blanks_;
  std::string_view text_;
  std::string_view left_;
  std::string undone_;  // cells whose quotes were written twice, one behind the other
  size_t line_ = 0;
  size_t next_line_ = 1;
  bool in_row_ = false;
  bool unfinished_ = false;
};

}  // namespace wayside
