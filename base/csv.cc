#include "base/csv.h"

namespace wayside {

CsvReader::CsvReader(std::string_view text) : left_(text) {
  constexpr std::string_view kByteOrder = "\xEF\xBB\xBF";
  if (left_.starts_with(kByteOrder)) left_.remove_prefix(kByteOrder.size());
}

bool CsvReader::next(std::vector<std::string>& cells) {
  while (!left_.empty()) {
    line_ = next_line_;
    cells.clear();
    do {
      cells.emplace_back();
    } while (read_cell(cells.back()));
    if (cells.size() > 1 || !cells[0].empty()) return true;
  }
  return false;
}

// True: another one follows in the row.
bool CsvReader::read_cell(std::string& cell) {
  bool quoted = false;
  while (!left_.empty()) {
    const char c = left_.front();
    left_.remove_prefix(1);
    next_line_ += c == '\n';
    if (quoted) {
      if (c != '"') {
        cell += c;
      } else if (left_.starts_with('"')) {
        cell += c;
        left_.remove_prefix(1);
      } else {
        quoted = false;
      }
      continue;
    }
    if (c == ',') return true;
    if (c == '\n') return false;
    if (c == '\r' && left_.starts_with('\n')) continue;
    if (c == '"' && cell.empty()) {
      quoted = true;
    } else {
      cell += c;
    }
  }
  unfinished_ |= quoted;
  return false;
}

}  // namespace wayside
