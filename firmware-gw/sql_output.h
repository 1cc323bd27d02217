// Rows of an answer as lines.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/sql_session.h"

namespace wayside {

using LineTaker = std::function<void(std::string_view line)>;

// {"key":"truck-17","temp_c":4.5}: NULL is null.
std::string json_row(const std::vector<std::string>& names, const SqlRow& row);

// Columns side by side, as wide as the first rows need them; numbers to the right.
class TextTable {
 public:
  explicit TextTable(const LineTaker& write) : write_(write) {}
  void set_names(std::vector<std::string> names) { names_ = std::move(names); }
  void add(const SqlRow& row);
  void finish();

 private:
  struct Cell {
    std::string text;
    bool number = false;
  };
  using Line = std::vector<Cell>;
  void measure();
  void write(const Line& line);

  const LineTaker& write_;
  std::vector<std::string> names_;
  std::vector<Line> first_;  // until the widths are known
  std::vector<size_t> widths_;
};

}  // namespace wayside
