#include "config/check_payload.h"

#include "base/features.h"

namespace wayside {

void check_payload(const SourceOptions& s, Findings& found) {
  const bool is_csv = s.format == PayloadFormat::kCsv;
  if (!is_csv && !s.columns.empty()) found.add(s.name, "columns", "is for format = \"csv\"");
  if (!is_csv && s.delimiter != SourceOptions().delimiter) {
    found.add(s.name, "delimiter", "is for format = \"csv\"");
  }
  if (!is_csv && s.decimal != SourceOptions().decimal) {
    found.add(s.name, "decimal", "is for format = \"csv\"");
  }
  if (!is_csv && !s.time.of_day.empty()) {
    found.add(s.name, "time", "'of_day' is for format = \"csv\"");
  }
  if (s.record_bytes > 0 && s.format != PayloadFormat::kStruct) {
    found.add(s.name, "record_bytes", "is for format = \"struct\"");
  }
  if constexpr (kHasFormats) check_format(s, found);
}

}  // namespace wayside
