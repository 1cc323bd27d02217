#include "sensors/csv_decoder.h"

#include <utility>

#include "base/csv.h"
#include "base/text.h"
#include "sensors/row_writer.h"

namespace wayside {
namespace {

constexpr const char* kBad = "bad_csv";

class CsvDecoder : public Decoder {
 public:
  CsvDecoder(const SourceOptions& source, size_t first_field)
      : writer_(source, first_field),
        reader_({}, source.delimiter.empty() ? ',' : source.delimiter[0],
                CsvReader::Blanks::kDropped),
        time_path_(source.time_path),
        of_day_path_(source.time.of_day),
        has_point_(source.decimal == "."),
        has_head_(source.columns.empty()) {
    for (const std::string& name : source.columns) targets_.push_back(target_of(name));
  }

  bool decode(const Frame& message, const Now&, Readings& out, Refusal& refusal) override {
    refusal_ = &refusal;
    reader_.begin(message.payload);
    if (has_head_ && !take_head()) return false;
    while (reader_.next_row()) {
      if (out.is_full()) return too_many_readings(out, refusal);
      if (!take_row(out.add())) out.refuse(std::exchange(refusal, {}));
    }
    return has_head_ || out.size() > 0 || bad("the payload holds no line");
  }

 private:
  // What a column is for: one of the fields, or else
  static constexpr int kTime = -1;
  static constexpr int kTimeOfDay = -2;
  static constexpr int kNothing = -3;

  bool bad(std::string detail) {
    *refusal_ = {kBad, std::move(detail)};
    return false;
  }
  bool bad_line(const std::string& what) {
    return bad("line " + std::to_string(reader_.line()) + what);
  }

  int target_of(std::string_view name) const {
    if (name.empty()) return kNothing;
    if (name == time_path_) return kTime;
    if (name == of_day_path_) return kTimeOfDay;
    for (size_t i = 0; i < writer_.fields().size(); ++i) {
      if (writer_.fields()[i].path == name) return static_cast<int>(i);
    }
    return kNothing;
  }

  bool take_head() {
    targets_.clear();
    if (!reader_.next_row()) return bad("the payload is empty: its first line names the columns");
    for (std::string_view name; reader_.next_cell(name);) {
      if (targets_.size() == kCsvColumnsMax) {
        return bad("the first line has more than " + std::to_string(kCsvColumnsMax) + " columns");
      }
      const int target = target_of(name);
      if (target != kNothing && is_column(target)) {
        return bad("the first line names '" + shortened(name) + "' twice");
      }
      targets_.push_back(target);
    }
    if (reader_.unfinished()) return bad_line(": a quote is not closed");
    return has_all_columns();
  }

  bool is_column(int target) const {
    for (const int t : targets_) {
      if (t == target) return true;
    }
    return false;
  }

  // A field with a default may be missing.
  bool has_all_columns() {
    if (!time_path_.empty() && !is_column(kTime)) return no_column(time_path_);
    if (!of_day_path_.empty() && !is_column(kTimeOfDay)) return no_column(of_day_path_);
    for (size_t i = 0; i < writer_.fields().size(); ++i) {
      const FieldOptions& f = writer_.fields()[i];
      if (!f.absent && !is_column(static_cast<int>(i))) return no_column(f.path);
    }
    return true;
  }
  bool no_column(const std::string& name) {
    return bad("the first line names no column '" + name + "'");
  }

  bool take_row(Row& row) {
    size_t column = 0;
    bool good = true;
    date_.clear();
    time_of_day_.clear();
    for (std::string_view cell; reader_.next_cell(cell); ++column) {
      if (good && column < targets_.size()) good = take_cell(targets_[column], cell, row);
    }
    if (reader_.unfinished()) return bad_line(": a quote is not closed");
    if (column == targets_.size()) return good && (date_.empty() || take_time_of_parts(row));
    return bad_line(" has " + std::to_string(column) + " cells instead of " +
                    std::to_string(targets_.size()));
  }

  bool take_cell(int target, std::string_view cell, Row& row) {
    if (target == kNothing || cell.empty()) return true;
    if (target == kTimeOfDay) return keep(cell, time_of_day_);
    if (target == kTime && !of_day_path_.empty()) return keep(cell, date_);
    if (target == kTime) return writer_.time(cell, row, *refusal_);
    const auto field = static_cast<size_t>(target);
    const FieldOptions& f = writer_.fields()[field];
    if (f.type == FieldType::kText && !is_valid_utf8(cell)) {
      return bad_line(": field '" + f.name + "' is not UTF-8");
    }
    if (f.type != FieldType::kNumber || has_point_) {
      return writer_.text(field, cell, row, *refusal_);
    }
    number_ = cell;
    for (char& c : number_) c = c == ',' ? '.' : c == '.' ? ',' : c;
    return writer_.text(field, number_, row, *refusal_);
  }

  static bool keep(std::string_view cell, std::string& kept) {
    kept = cell;
    return true;
  }
  bool take_time_of_parts(Row& row) {
    date_ += ' ';
    date_ += time_of_day_;
    return writer_.time(std::string_view(date_), row, *refusal_);
  }

  RowWriter writer_;
  CsvReader reader_;
  std::string time_path_;
  std::string of_day_path_;
  bool has_point_;  // else a comma
  bool has_head_;
  std::vector<int> targets_;  // by column
  // Of the message that is being read.
  Refusal* refusal_ = nullptr;
  // Of the line.
  std::string date_;
  std::string time_of_day_;
  std::string number_;
};

}  // namespace

std::unique_ptr<Decoder> make_csv_decoder(const SourceOptions& source, size_t first_field) {
  return std::make_unique<CsvDecoder>(source, first_field);
}

}  // namespace wayside
